"""An emulated account with a client of ours, and the official SDK's models as the judge."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import httpx
from activitysmith_openapi import models

from activitysmith_jupyter import ActivitySmith
from activitysmith_jupyter.emulator import Device, Emulator, ManualClock

if TYPE_CHECKING:
    from activitysmith_jupyter.emulator._core import Phone, RequestRecord

CHANNELS = ("sales", "customer-success", "ios-builds")
PHONE = Device(name="iPhone", channels=CHANNELS)

_MODELS = (
    ("POST", r"/push-notification", models.PushNotificationRequest),
    ("PUT", r"/push-notification/.+", models.PushNotificationReplaceRequest),
    ("PUT", r"/live-activity/stream/.+", models.LiveActivityStreamRequest),
    ("DELETE", r"/live-activity/stream/.+", models.LiveActivityStreamDeleteRequest),
    ("POST", r"/live-activity/start", models.LiveActivityStartRequest),
    ("POST", r"/live-activity/update", models.LiveActivityUpdateRequest),
    ("POST", r"/live-activity/end", models.LiveActivityEndRequest),
    ("POST", r"/metrics/.+/value", models.MetricValueUpdateRequest),
    ("POST", r"/badge", models.AppIconBadgeCountUpdateRequest),
)


class Account:
    """An emulator without a port, under a clock that stands still, and a client of ours."""

    def __init__(self, **settings: Any) -> None:
        settings = {"devices": (PHONE,), "metrics": None, "rate_limits": "off"} | settings
        self.clock = ManualClock()
        self.emulator = Emulator(serve=False, clock=self.clock, **settings)
        self.client = self.new_client()

    def new_client(self, **arguments: Any) -> ActivitySmith:
        """Return one more client of this account."""
        given = {"api_key": self.emulator.api_key, "base_url": self.emulator.base_url} | arguments
        return ActivitySmith(transport=httpx.WSGITransport(app=self.emulator.app), **given)

    @property
    def phone(self) -> Phone:
        """What the phone shows now."""
        return self.emulator.phone

    @property
    def card(self) -> dict[str, Any]:
        """The newest card."""
        return self.phone.cards[0]

    @property
    def push(self) -> dict[str, Any]:
        """The newest push."""
        return self.phone.pushes[0]

    @property
    def requests(self) -> list[RequestRecord]:
        """What arrived, oldest first."""
        return self.emulator.requests

    @property
    def sent(self) -> Any:
        """The body of the newest request."""
        return self.requests[-1].body

    def check(self) -> None:
        """Have the official models judge every request that was answered 200."""
        self.emulator.check()
        for record in self.requests:
            if record.status == httpx.codes.OK:
                judge(record)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.client.close()
        self.emulator.close()
        if kind is None:
            self.check()


def judge(record: RequestRecord) -> None:
    """Fail unless the official model takes a body and loses nothing of it."""
    model = next(
        model
        for method, path, model in _MODELS
        if method == record.method and re.fullmatch(path, record.path)
    )
    if record.body is None:
        assert record.method == "DELETE", "only the end of a stream needs no body"
        return
    parsed = model.from_dict(json.loads(json.dumps(record.body, allow_nan=False)))
    assert lost(record.body, parsed.to_dict()) == [], (
        f"{model.__name__} does not know all of {record.body}"
    )


def lost(sent: Any, kept: Any, where: str = "body") -> list[str]:
    """Name what `kept` lacks of `sent`; it may have more."""
    if isinstance(sent, dict):
        if not isinstance(kept, dict):
            return [where]
        return [
            name
            for member, value in sent.items()
            for name in lost(value, kept.get(member), f"{where}.{member}")
        ]
    if isinstance(sent, list):
        if not isinstance(kept, list) or len(kept) != len(sent):
            return [where]
        return [
            name
            for index, (one, other) in enumerate(zip(sent, kept, strict=True))
            for name in lost(one, other, f"{where}[{index}]")
        ]
    if isinstance(kept, datetime):
        sent = datetime.fromisoformat(sent)
    return [] if sent == kept else [where]
