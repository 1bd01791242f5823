"""The stream's states against a model that is small enough to read."""

import httpx
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from activitysmith_jupyter.emulator import Emulator, ManualClock

KEYS = st.sampled_from(["a", "b", "c"])
TYPES = {"progress": "percentage", "value": "value"}


class Streams(RuleBasedStateMachine):
    """PUT, DELETE, pause, legacy end and time, in any order."""

    def __init__(self):
        super().__init__()
        self.clock = ManualClock()
        self.emulator = Emulator(
            serve=False, clock=self.clock, limit=2, rate_limits="off", update_burst=None
        )
        self.client = httpx.Client(
            transport=httpx.WSGITransport(app=self.emulator.app),
            base_url=self.emulator.base_url,
            headers={"Authorization": f"Bearer {self.emulator.api_key}"},
        )
        self.running = {}  # key -> [activity id, type, number]
        self.known = set()
        self.paused = set()

    def teardown(self):
        """Surface what went wrong inside."""
        self.client.close()
        self.emulator.check()

    @rule(key=KEYS, kind=st.sampled_from(sorted(TYPES)), number=st.integers(0, 3))
    def put(self, key, kind, number):
        """Send a state and compare the operation with the model's."""
        state = {"title": "T", "type": kind, TYPES[kind]: number}
        response = self.client.put(f"/live-activity/stream/{key}", json={"content_state": state})
        answer = response.json()
        before = self.running.get(key)
        if key in self.paused:
            assert (answer["operation"], answer["activity_id"]) == ("paused", None)
            return
        if before is None and len(self.running) == 2:
            assert (response.status_code, answer["active"]) == (429, 2)
            return
        self.known.add(key)
        if before is None:
            assert answer["operation"] == "started"
        elif before[1] != kind:
            assert answer["operation"] == "rotated"
            assert answer["previous_activity_id"] == before[0]
        else:
            same = before[2] == number
            assert answer["operation"] == ("noop" if same else "updated")
            assert answer["activity_id"] == before[0]
        self.running[key] = [answer["activity_id"], kind, number]

    @rule(key=KEYS)
    def delete(self, key):
        """End a stream."""
        response = self.client.delete(f"/live-activity/stream/{key}")
        if key not in self.known and key not in self.paused:
            assert response.status_code == 404
            return
        before = self.running.pop(key, [None])
        assert response.json()["operation"] == "ended"
        assert response.json()["activity_id"] == before[0]
        self.known.discard(key)
        self.paused.discard(key)

    @rule(key=KEYS)
    def end_by_id(self, key):
        """End a stream's activity behind its back."""
        if key in self.running:
            activity_id = self.running.pop(key)[0]
            body = {"activity_id": activity_id, "content_state": {"title": "T"}}
            assert self.client.post("/live-activity/end", json=body).status_code == 200

    @rule(key=KEYS, paused=st.booleans())
    def pause(self, key, paused):
        """Pause or resume a stream that exists."""
        if key not in self.known:
            return
        (self.emulator.pause if paused else self.emulator.resume)(key)
        (self.paused.add if paused else self.paused.discard)(key)

    @rule(seconds=st.sampled_from([1.0, 200.0]))
    def wait(self, seconds):
        """Let time pass, short of the activities' lifetime."""
        if self.clock() - 1_750_000_000 < 20_000:
            self.clock.advance(seconds)

    @invariant()
    def phone_shows_what_runs(self):
        """Compare the active cards with the model's running activities, with their last state."""
        cards = [card for card in self.emulator.phone.cards if card["status"] == "active"]
        shown = {card["stream_key"]: card for card in cards}
        assert len(shown) == len(cards)
        assert set(shown) == set(self.running)
        for key, (activity_id, kind, number) in self.running.items():
            assert shown[key]["activity_id"] == activity_id
            assert shown[key]["content_state"][TYPES[kind]] == number


Streams.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestStreams = Streams.TestCase
