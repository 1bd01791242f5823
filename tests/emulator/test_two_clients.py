"""Two clients at once, over a socket: whatever they do together, some order of it explains it all.

Each step lets two threads send a few requests each, at the same time. Their answers, and what the
phone shows afterwards, have to be those of a small model in at least one order of the requests that
keeps each client's own: then no update was lost, no card doubled, and no limit passed in between.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import attrs
import httpx
from hypothesis import Phase, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from activitysmith_jupyter.emulator import Emulator, ManualClock

LIMIT = 2
FIELDS = {"progress": "percentage", "value": "value"}
PATIENCE_SECONDS = 20


@attrs.frozen
class Request:
    """One request: what, of which stream, with which value."""

    name: str
    key: str = "a"
    kind: str = "progress"
    number: int = 0


KEYS = st.sampled_from(["a", "b", "c"])
REQUESTS = st.one_of(
    st.builds(Request, st.just("put"), KEYS, st.sampled_from(sorted(FIELDS)), st.integers(0, 3)),
    st.builds(Request, st.sampled_from(["delete", "end by id", "pause", "resume"]), KEYS),
    st.builds(Request, st.just("badge"), number=st.integers(0, 3)),
    st.just(Request("look")),
)
SEQUENCES = st.lists(REQUESTS, min_size=1, max_size=3)


@attrs.frozen
class Card:
    """A running activity."""

    activity_id: str
    kind: str
    number: int


@attrs.frozen
class Model:
    """What the account is like, and which answers it can give."""

    running: dict[str, Card] = attrs.field(factory=dict)
    known: frozenset[str] = frozenset()
    paused: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    badge: int = 0

    def after(self, request, answer):
        """Return the account after a request with this answer; None if it cannot answer so."""
        return getattr(self, f"_{request.name.replace(' ', '_')}")(request, answer)

    def _put(self, request, answer):
        key, before = request.key, self.running.get(request.key)
        said = (answer.get("operation"), answer.get("activity_id"))
        if key in self.paused:
            return self if said == ("paused", None) else None
        if before is None and len(self.running) == LIMIT:
            return self if (answer["status"], answer.get("active")) == (429, LIMIT) else None
        is_new = said[1] not in {each.activity_id for each in self.running.values()} | self.ended
        ended = self.ended
        if before is None:
            good = said[0] == "started" and is_new
        elif before.kind != request.kind:
            good = said[0] == "rotated" and is_new
            good = good and answer["previous_activity_id"] == before.activity_id
            ended |= {before.activity_id}
        else:
            same = before.number == request.number
            good = said == ("noop" if same else "updated", before.activity_id)
        if not good:
            return None
        card = Card(said[1], request.kind, request.number)
        return attrs.evolve(
            self, running=self.running | {key: card}, known=self.known | {key}, ended=ended
        )

    def _delete(self, request, answer):
        key, before = request.key, self.running.get(request.key)
        if key not in self.known:
            return self if answer["status"] == 404 else None
        ended_id = before.activity_id if before else None
        if (answer.get("operation"), answer.get("activity_id")) != ("ended", ended_id):
            return None
        return attrs.evolve(
            self._without(key), known=self.known - {key}, paused=self.paused - {key}
        )

    def _end_by_id(self, _, answer):
        running = {card.activity_id: key for key, card in self.running.items()}
        key = running.get(answer["asked"])
        if key is None:
            return self if answer.get("ignored") else None
        return None if answer.get("ignored") else self._without(key)

    def _pause(self, request, answer):
        return self._told(request.key, answer, paused=self.paused | {request.key})

    def _resume(self, request, answer):
        return self._told(request.key, answer, paused=self.paused - {request.key})

    def _told(self, key, answer, paused):
        good = answer["status"] == 200
        return attrs.evolve(self, known=self.known | {key}, paused=paused) if good else None

    def _badge(self, request, answer):
        return attrs.evolve(self, badge=request.number) if answer["status"] == 200 else None

    def _look(self, _, answer):
        active = [card for card in answer["cards"] if card["status"] == "active"]
        shown = {
            card["stream_key"]: Card(
                card["activity_id"], card["type"], card["content_state"][FIELDS[card["type"]]]
            )
            for card in active
        }
        whole = len(shown) == len(active) and answer["badge"] == self.badge
        return self if whole and shown == self.running else None

    def _without(self, key):
        gone = self.running.get(key)
        return attrs.evolve(
            self,
            running={k: card for k, card in self.running.items() if k != key},
            ended=self.ended | ({gone.activity_id} if gone else set()),
        )


def explanations(model, first, second):
    """Yield the accounts that any order of two clients' requests can have led to."""
    if not first and not second:
        yield model
    for mine, others in ((first, second), (second, first)):
        if mine and (after := model.after(*mine[0])) is not None:
            yield from explanations(after, mine[1:], others)


class TwoClients(RuleBasedStateMachine):
    """Two threads, each with a client of its own, and a served emulator."""

    def __init__(self):
        super().__init__()
        self.emulator = Emulator(
            clock=ManualClock(), limit=LIMIT, rate_limits="off", update_burst=None
        ).start()
        # Between the check of a limit and what it lets pass, whoever waits gets a turn.
        account = self.emulator._core._service.account
        new_id = account._new_id
        account._new_id = lambda: (time.sleep(0), new_id())[1]
        headers = {"Authorization": f"Bearer {self.emulator.api_key}"}
        self.clients = [
            httpx.Client(base_url=self.emulator.url, headers=headers, timeout=PATIENCE_SECONDS)
            for _ in range(2)
        ]
        self.pool = ThreadPoolExecutor(2)
        self.model = Model()

    def teardown(self):
        """Surface what went wrong inside."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        for client in self.clients:
            client.close()
        self.emulator.close()
        self.emulator.check()

    def ask(self, client, request):
        """Send one request and return its answer."""
        if request.name == "put":
            state = {"title": "T", "type": request.kind, FIELDS[request.kind]: request.number}
            body = {"content_state": state}
            answer = client.put(f"/api/live-activity/stream/{request.key}", json=body)
        elif request.name == "delete":
            answer = client.delete(f"/api/live-activity/stream/{request.key}")
        elif request.name == "badge":
            answer = client.post("/api/badge", json={"badge": request.number})
        elif request.name == "look":
            answer = client.get("/_emulator/phone")
        elif request.name == "end by id":
            # The card as it was before this step: the other client may have moved on.
            card = self.model.running[request.key]
            body = {"activity_id": card.activity_id, "content_state": {"title": "T"}}
            answer = client.post("/api/live-activity/end", json=body)
            return answer.json() | {"status": answer.status_code, "asked": card.activity_id}
        else:
            answer = client.post(f"/_emulator/{request.name}", json={"stream_key": request.key})
        assert answer.status_code < 500, answer.text
        return answer.json() | {"status": answer.status_code}

    @rule(first=SEQUENCES, second=SEQUENCES)
    def at_once(self, first, second):
        """Let both send, and find an order that explains all answers and the phone."""
        start = threading.Barrier(2)

        def send(client, requests):
            possible = [
                request
                for request in requests
                if request.name != "end by id" or request.key in self.model.running
            ]
            start.wait(PATIENCE_SECONDS)
            return [(request, self.ask(client, request)) for request in possible]

        # The emulator's threads shall take turns in the midst of a request, not only at its waits.
        usual = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            futures = [
                self.pool.submit(send, client, requests)
                for client, requests in zip(self.clients, (first, second), strict=True)
            ]
            sent = [future.result(PATIENCE_SECONDS) for future in futures]
        finally:
            sys.setswitchinterval(usual)
        look = (Request("look"), self.ask(self.clients[0], Request("look")))
        fitting = [
            account
            for account in explanations(self.model, *sent)
            if account.after(*look) is not None
        ]
        assert fitting, f"no order explains {sent} and {look} after {self.model}"
        self.model = fitting[0]

    @invariant()
    def phone_is_never_overfull(self):
        """Say it once without the model: so many cards, and one of a key."""
        keys = [c["stream_key"] for c in self.emulator.phone.cards if c["status"] == "active"]
        assert len(keys) <= LIMIT
        assert len(set(keys)) == len(keys)


TwoClients.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=10,
    deadline=None,
    # What two threads do is not the same twice: a failure cannot be made smaller.
    phases=[Phase.explicit, Phase.generate],
)
TestTwoClients = TwoClients.TestCase
