"""A courier driven by hand, the account it delivers to, and one clock for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import httpx
from support.account import judge

from activitysmith_jupyter import Activity
from activitysmith_jupyter._courier import Courier
from activitysmith_jupyter._feed import Ending, Sample
from activitysmith_jupyter._runtime import Runtime, replace_runtime
from activitysmith_jupyter._secret import Secret
from activitysmith_jupyter._settings import Destination
from activitysmith_jupyter.emulator import Emulator, ManualClock

if TYPE_CHECKING:
    from activitysmith_jupyter.emulator._core import RequestRecord


class Wire(httpx.BaseTransport):
    """The way to the account; `cut` refuses connections, `broken` is raised instead."""

    def __init__(self, emulator: Emulator) -> None:
        self._inner = httpx.WSGITransport(app=emulator.app)
        self.cut = False
        self.broken: Exception | None = None
        self.tries = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, or fail as a network would."""
        self.tries += 1
        if self.broken is not None:
            raise self.broken
        if self.cut:
            raise httpx.ConnectError("Connection refused", request=request)
        return self._inner.handle_request(request)


class HandFeed:
    """A feed whose next sample is set by hand."""

    def __init__(self, stream_key: str = "train", percentage: float = 0, **sample: Any) -> None:
        self.stream_key = stream_key
        self.times_delivered = 0
        self.broken: Exception | None = None
        self.show(percentage, **sample)

    def show(self, percentage: float, **sample: Any) -> None:
        """Set what to show from now on."""
        state = {"type": "progress", "title": "Training", "percentage": percentage}
        self._sample = Sample(body={"content_state": state}, **sample)

    def show_nothing(self) -> None:
        """Have nothing to show."""
        self._sample = None

    def sample(self, now: float, seconds_left: float | None) -> Sample | None:
        """Give what was set."""
        del now, seconds_left
        if self.broken is not None:
            raise self.broken
        return self._sample

    def delivered(self) -> None:
        """Count."""
        self.times_delivered += 1


class Postroom:
    """A process as the package sees it: runtime, courier, account, clock.

    Nothing happens in the background: `step` and `pass_time` do what is due.
    """

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        self.emulator = Emulator(
            serve=False, clock=self.clock, **({"rate_limits": "off"} | settings)
        )
        self.wire = Wire(self.emulator)
        self.to = self.destination()
        self.courier = Courier(clock=self.clock, threaded=False)
        self.runtime = Runtime(self.courier)

    def destination(self, api_key: str | None = None) -> Destination:
        """Return the account's address under its key, or another."""
        key = Secret(api_key or self.emulator.api_key)
        return Destination(self.emulator.base_url, key, self.wire)

    def __enter__(self) -> Self:
        self._outer = replace_runtime(self.runtime)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        replace_runtime(self._outer)
        self.runtime.release()
        self.emulator.close()
        if kind is None:
            self.emulator.check()
            for record in self.requests:
                if record.status == httpx.codes.OK:
                    judge(record)

    # ------------------------------------------------------------------ doing

    def activity(self, name: str = "train", **options: Any) -> Activity:
        """Make an activity of this account."""
        given = {
            "api_key": self.emulator.api_key,
            "base_url": self.emulator.base_url,
            "transport": self.wire,
        }
        return Activity(name, **(given | options))

    def add(self, feed: HandFeed) -> HandFeed:
        """Hand a feed to the courier."""
        self.courier.add(feed, self.to)
        return feed

    def end(self, feed: HandFeed, *, grace_seconds: float = 0.0, push: str = "", **body: Any):
        """End a feed's card."""
        ending = Ending(
            body=body, push={"title": push} if push else None, grace_seconds=grace_seconds
        )
        self.courier.end(feed, ending, self.to)

    def push(self, title: str = "Done") -> None:
        """Send a push."""
        self.courier.push({"title": title}, self.to)

    def step(self) -> float:
        """Do what is due now."""
        return self.courier.step()

    def pass_time(self, seconds: float) -> None:
        """Let time pass as the courier's thread would live it: work, wait, work."""
        end = self.clock() + seconds
        while (left := end - self.clock()) > 0:
            self.clock.advance(min(self.step(), left))
        self.step()

    # ------------------------------------------------------------------ seeing

    @property
    def requests(self) -> list[RequestRecord]:
        """What arrived, oldest first."""
        return self.emulator.requests

    @property
    def calls(self) -> list[str]:
        """What arrived as method, last part of the path, and status."""
        return [
            f"{each.method} {each.path.rpartition('/')[2]} {each.status}" for each in self.requests
        ]

    @property
    def operations(self) -> list[str | None]:
        """What the account made of each request."""
        return [each.operation for each in self.requests]

    @property
    def card(self) -> dict[str, Any]:
        """The newest card on the phone."""
        return self.emulator.phone.cards[0]

    @property
    def state(self) -> dict[str, Any]:
        """What the newest card shows."""
        return self.card["content_state"]

    @property
    def pushes(self) -> list[str]:
        """Titles of the pushes on the phone, oldest first."""
        return [push["title"] for push in reversed(self.emulator.phone.pushes)]

    @property
    def percentages(self) -> list[float]:
        """What the progress cards have shown, one after the other."""
        return [
            shown.content.get("percentage")
            for shown in self.emulator.phone.history
            if shown.kind in {"start", "update", "end"}
        ]
