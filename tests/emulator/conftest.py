"""An emulator in-process, under a clock that stands still."""

from __future__ import annotations

import httpx
import pytest

from activitysmith_jupyter.emulator import Emulator, ManualClock


class Api:
    """Sends requests to an in-process emulator."""

    def __init__(self, **settings) -> None:
        self.clock = ManualClock()
        self.emulator = Emulator(serve=False, clock=self.clock, **settings)
        self._client = httpx.Client(
            transport=httpx.WSGITransport(app=self.emulator.app), base_url=self.emulator.base_url
        )

    def send(self, method, path, body=None, *, key=None, **options) -> httpx.Response:
        """Send one request with the main key, or another one."""
        headers = {"Authorization": f"Bearer {key or self.emulator.api_key}"}
        headers |= options.pop("headers", {})
        return self._client.request(method, path, json=body, headers=headers, **options)

    def put(self, stream="train", *, state=None, **members) -> httpx.Response:
        """Send a stream's PUT, of a progress card by default."""
        state = {"title": "Train", "type": "progress", "percentage": 10} if state is None else state
        members = {"content_state": state, **members}
        api_key = members.pop("key", None)
        return self.send("PUT", f"/live-activity/stream/{stream}", members, key=api_key)

    def percent(self, percentage, stream="train", **members) -> dict:
        """Send a progress card's percentage and return the answer."""
        state = {"title": "Train", "type": "progress", "percentage": percentage}
        return self.put(stream, state=state, **members).json()

    def close(self) -> None:
        """Surface what went wrong inside."""
        self._client.close()
        self.emulator.close()
        self.emulator.check()


@pytest.fixture
def make_api():
    """Return a maker of emulators with settings of their own."""
    made = []

    def make(**settings) -> Api:
        made.append(Api(**settings))
        return made[-1]

    yield make
    for api in made:
        api.close()


@pytest.fixture
def api(make_api):
    """Return an emulator with the default settings."""
    return make_api()
