"""What every part of the emulated account stands on: recipients, history, revision."""

from __future__ import annotations

import collections
import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import attrs

from ._rules import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ._activity import Activity
    from ._settings import Device, Settings

__all__ = ["Caller", "Ledger", "Shown", "iso", "reached", "slugs", "tagged"]

HISTORY_LENGTH: Final = 20_000

Caller = frozenset[str] | None  # the channels a key is confined to; None reaches everyone


@attrs.frozen(kw_only=True)
class Shown:
    """Something that reached a phone.

    Parameters
    ----------
    seconds : float
        When, counted from the emulator's start.
    kind : str
        ``start``, ``update``, ``end``, ``push``, ``badge`` or ``widget``.
    activity_id : str or None
        The activity, for the first three.
    stream_key : str or None
        Its stream, if it has one.
    content : object
        The content state as shown; the push; the badge count; or the widget's key and value.
    devices : tuple of str
        Names of the phones it reached.
    """

    seconds: float
    kind: str
    content: Any
    devices: tuple[str, ...]
    activity_id: str | None = None
    stream_key: str | None = None


class Ledger:
    """Settings, recipients and the record of what reached the phones.

    Parameters
    ----------
    settings : Settings
        The account's choices; may be replaced at any moment.
    started_at : float
        UNIX seconds from which `Shown.seconds` counts.
    new_id : callable
        Gives a new opaque id.
    revision : int, default 0
        Where `revision` starts; it grows with every change a phone could show.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        started_at: float,
        new_id: Callable[[], str],
        revision: int = 0,
    ) -> None:
        self.settings = settings
        self.revision = revision
        self.history: collections.deque[Shown] = collections.deque(maxlen=HISTORY_LENGTH)
        self._started_at = started_at
        self._new_id = new_id

    def _recipients(
        self, body: dict[str, Any], caller: Caller, *, billed: bool = False, live: bool = False
    ) -> tuple[list[Device], tuple[str, ...] | None]:
        """Return the devices behind a target, and the channels that limited them."""
        wanted = body.get("channels") or body.get("target", {}).get("channels")
        if caller is not None and wanted is not None and not caller.issuperset(wanted):
            raise Refused(
                403, "Invalid channel targeting", "This key may not send to some of these channels"
            )
        if billed:
            self._refuse_billing()
        channels = None if wanted is None else tuple(dict.fromkeys(wanted))
        if channels is None and caller is not None:
            channels = tuple(sorted(caller))
        devices = [
            device
            for device in self.settings.devices
            if (channels is None or not set(channels).isdisjoint(device.channels))
            and (device.live_activities or not live)
        ]
        if not devices:
            raise Refused(
                422,
                "No recipients found",
                "No device is behind this target",
                effective_channel_slugs=slugs(channels),
            )
        return devices, channels

    def _refuse_billing(self) -> None:
        if self.settings.billing_error is not None:
            raise Refused(
                402,
                self.settings.billing_error,
                "Sending is blocked until the plan changes",
                upgrade_url="https://activitysmith.com/pricing",
            )

    def _changed(
        self,
        kind: str,
        content: Any,
        devices: tuple[str, ...],
        now: float,
        activity: Activity | None = None,
    ) -> None:
        self.revision += 1
        self.history.append(
            Shown(
                seconds=now - self._started_at,
                kind=kind,
                content=content,
                devices=devices,
                activity_id=activity.activity_id if activity else None,
                stream_key=activity.stream_key if activity else None,
            )
        )


def iso(now: float) -> str:
    moment = dt.datetime.fromtimestamp(now, tz=dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def slugs(channels: tuple[str, ...] | None) -> list[str] | None:
    return None if channels is None else list(channels)


def reached(devices: Iterable[Device]) -> dict[str, int]:
    devices = list(devices)
    users = {device.user for device in devices}
    return {"devices_notified": len(devices), "users_notified": len(users)}


def tagged(tags: list[str] | None) -> dict[str, list[str]]:
    return {"tags": list(dict.fromkeys(tags))} if tags else {}
