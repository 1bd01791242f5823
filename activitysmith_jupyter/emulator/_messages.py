"""Pushes, widget metrics and the badge count."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import attrs

from . import _rules
from ._ledger import Caller, Ledger, iso, reached, slugs, tagged
from ._rules import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._settings import Settings

__all__ = ["Messages"]


@attrs.define(kw_only=True)
class _Notification:
    notification_id: str
    content: dict[str, Any]
    devices: tuple[str, ...]
    channels: tuple[str, ...] | None
    received_at: float
    replaced: bool = False


class Messages(Ledger):
    """The part of the account that shows nothing live."""

    def __init__(self, settings: Settings, **ledger: Any) -> None:
        super().__init__(settings, **ledger)
        self._notifications: dict[str, _Notification] = {}
        self._badges: dict[str, int] = {}
        self._widgets: dict[str, dict[str, Any]] = {}
        self._metrics = set(settings.metrics or ())

    def push(self, body: dict[str, Any], caller: Caller, now: float) -> dict[str, Any]:
        """Send a push notification."""
        devices, channels = self._recipients(body, caller, billed=True)
        names = tuple(device.name for device in devices)
        content = {name: each for name, each in body.items() if name != "target"}
        note = _Notification(
            notification_id=self._new_id(),
            content=copy.deepcopy(content),
            devices=names,
            channels=channels,
            received_at=now,
        )
        self._notifications[note.notification_id] = note
        self._set_badge(body.get("badge"), names)
        self._changed("push", self._push_snapshot(note), names, now)
        return {
            "success": True,
            "notification_id": note.notification_id,
            **reached(devices),
            "devices_targeted": len(devices),
            "devices_deactivated": 0,
            "devices_unregistered": 0,
            "effective_channel_slugs": slugs(channels),
            **tagged(content.get("tags")),
            "timestamp": iso(now),
        }

    def replace(
        self, notification_id: str, body: dict[str, Any], caller: Caller, now: float
    ) -> dict[str, Any]:
        """Replace a push silently, for its original recipients."""
        self._refuse_billing()
        note = self._notifications.get(notification_id)
        if note is None:
            raise Refused(404, "Push notification not found", "No push has this notification_id")
        if caller is not None and not caller.issuperset(note.channels or ("",)):
            raise Refused(403, "Forbidden", "This key may not replace this push notification")
        if now - note.received_at > self.settings.replace_window_seconds:
            raise Refused(409, "Conflict", "The push notification is too old to be replaced")
        devices = [device for device in self.settings.devices if device.name in note.devices]
        if not devices:
            raise Refused(422, "No recipients found", "The original recipients are gone")
        kept = ("tags", "metadata", "sound", "interruption_level")
        note.content = {
            **{name: note.content[name] for name in kept if name in note.content},
            **copy.deepcopy(body),
        }
        note.replaced = True
        self._set_badge(body.get("badge"), note.devices)
        self._changed("push", self._push_snapshot(note), note.devices, now)
        return {
            "success": True,
            "notification_id": notification_id,
            **reached(devices),
            "effective_channel_slugs": slugs(note.channels),
            **tagged(note.content.get("tags")),
            "timestamp": iso(now),
        }

    def create_metric(self, key: str) -> None:
        """Make a widget metric exist, as the web app does."""
        _rules.check_metric_key(key)
        self._metrics.add(key)

    def metric(self, key: str, body: dict[str, Any], now: float) -> dict[str, Any]:
        """Take a widget metric's value."""
        if self.settings.metrics is not None and key not in self._metrics:
            raise Refused(404, "Metric not found")
        widget = {
            "value": body["value"],
            "timestamp": body.get("timestamp"),
            "updated_at": now,
        }
        self._widgets[key] = widget
        everyone = tuple(device.name for device in self.settings.devices)
        self._changed("widget", {"key": key, "value": body["value"]}, everyone, now)
        return {"success": True}

    def badge(self, body: dict[str, Any], caller: Caller, now: float) -> dict[str, Any]:
        """Set the app icon's badge count."""
        devices, channels = self._recipients(body, caller, billed=True)
        count = int(body["badge"])
        failure = self.settings.badge_failure
        if failure is not None:
            raise Refused(
                422 if failure == "badge_device_disconnected" else 502,
                "App icon badge count update failed",
                "No device took the badge count",
                code=failure,
                badge=count,
                devices_updated=0,
                devices_targeted=len(devices),
                users_updated=0,
                effective_channel_slugs=list(channels or ()),
            )
        names = tuple(device.name for device in devices)
        self._set_badge(count, names)
        self._changed("badge", count, names, now)
        counts = reached(devices)
        return {
            "success": True,
            "badge": count,
            "devices_updated": counts["devices_notified"],
            "users_updated": counts["users_notified"],
            **counts,
            "devices_targeted": len(devices),
            "devices_deactivated": 0,
            "devices_unregistered": 0,
            # An array even when nothing limited the recipients: the official client needs one.
            "effective_channel_slugs": list(channels or ()),
            "timestamp": iso(now),
        }

    def _set_badge(self, count: float | None, names: Iterable[str]) -> None:
        if count is not None:
            self._badges.update(dict.fromkeys(names, max(0, int(count))))

    @staticmethod
    def _push_snapshot(note: _Notification) -> dict[str, Any]:
        content = copy.deepcopy(note.content)
        fields = ("message", "subtitle", "icon", "media", "redirection")
        return {
            "notification_id": note.notification_id,
            "title": content["title"],
            **{name: content.get(name) for name in fields},
            "actions": content.get("actions", []),
            "interruption_level": content.get("interruption_level"),
            "sound": content.get("sound"),
            "badge": content.get("badge"),
            "payload": content.get("payload"),
            "received_at": note.received_at,
            "replaced": note.replaced,
            "channels": slugs(note.channels),
            "tags": list(dict.fromkeys(content.get("tags", []))),
            "metadata": content.get("metadata", {}),
        }
