"""The emulated account: managed streams, Live Activities, and what its phones show.

Pure: requests come in as checked objects with the moment they arrived, answers go out as
objects; the clock belongs to the caller, who lets time pass with `Account.advance` before each
request. What the contract leaves open is marked *choice*.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

import attrs

from . import _rules
from ._activity import DISMISS_CAP_SECONDS, LIFETIME_SECONDS, Activity, Timer
from ._ledger import Caller, Shown, iso, reached, slugs, tagged
from ._messages import Messages
from ._rules import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._settings import Device, Settings

__all__ = ["Account", "Caller", "Shown"]

STREAM_DISMISS_SECONDS: Final = 120.0
END_DISMISS_SECONDS: Final = 180.0


@attrs.define
class _Stream:
    """A managed stream: it outlives its activities until it is deleted."""

    activity: Activity | None = None
    paused: bool = False
    last_request: str | None = None  # what an identical request looks like


class Account(Messages):
    """The state behind the API and what the account's phones show.

    Parameters
    ----------
    settings : Settings
        The account's choices; may be replaced at any moment.
    **ledger
        As for `Ledger`.
    """

    def __init__(self, settings: Settings, **ledger: Any) -> None:
        super().__init__(settings, **ledger)
        self._streams: dict[str, _Stream] = {}
        self._activities: dict[str, Activity] = {}

    # --- managed streams -------------------------------------------------------------------------

    def pause(self, stream_key: str, *, paused: bool) -> None:
        """Pause or resume a stream, as the web app does; its card stays as it is (choice)."""
        _rules.check_stream_key(stream_key)
        self._streams.setdefault(stream_key, _Stream()).paused = paused

    def stream(
        self, stream_key: str, body: dict[str, Any], caller: Caller, now: float
    ) -> dict[str, Any]:
        """Start, update, rotate or leave alone the stream's activity."""
        stream = self._streams.get(stream_key) or _Stream()
        answer: dict[str, Any] = {"success": True, "stream_key": stream_key, "timestamp": iso(now)}
        if stream.paused:
            return answer | {"operation": "paused", "activity_id": None, "ignored": True}
        old = stream.activity
        if old is not None:
            self._refuse_foreign(old, caller)
        sent = body["content_state"]
        kind = sent.get("type") or (old.type if old else None)
        if kind is None:
            raise Refused(400, "Invalid request", "body.content_state.type is required to start")
        request = _identity(body, old)
        wanted = body.get("channels") or body.get("target", {}).get("channels")
        moved = old is not None and wanted is not None and set(wanted) != set(old.channels or ())
        if wanted is None and old is not None and old.channels is not None:
            # Choice: a target left out stays.
            body = body | {"channels": list(old.channels)}
        same = old is not None and old.active and old.type == kind and not moved
        if old is not None and same and now - old.started_at < self.settings.rotate_after_seconds:
            if stream.last_request == request:
                return answer | {"operation": "noop", "activity_id": old.activity_id}
            state = old.merged(sent, self.settings.absent_fields)
            _rules.require_complete(state, kind, starting=False)
            self._refuse_billing()
            answer |= {"operation": "updated", **self._update(old, state, body, now)}
        else:
            # Choice: rotation goes on with a card that iOS ended of old age, with no other.
            rotating = old if old is not None and (old.active or old.ended_by_ios) else None
            stream.activity = self._start(
                body, kind, caller, now, old=rotating, stream_key=stream_key
            )
            answer |= {"operation": "started", **self._sent(stream.activity)}
            if rotating is not None:
                answer |= {"operation": "rotated", "previous_activity_id": rotating.activity_id}
        stream.last_request = request
        self._streams[stream_key] = stream
        return answer

    def end_stream(
        self, stream_key: str, body: dict[str, Any], caller: Caller, now: float
    ) -> dict[str, Any]:
        """End a stream's activity and forget the stream."""
        stream = self._streams.get(stream_key)
        if stream is None:
            raise Refused(
                404,
                "Live Activity stream not found",
                "No stream has this key; it may have ended or been removed already",
            )
        activity = stream.activity
        answer = {
            "success": True,
            "operation": "ended",
            "stream_key": stream_key,
            "timestamp": iso(now),
        }
        if activity is not None:
            self._refuse_foreign(activity, caller)
        del self._streams[stream_key]
        if activity is None or not activity.active:
            return answer | {"activity_id": None, "ignored": True}
        self._end(activity, body, now, STREAM_DISMISS_SECONDS)
        return answer | {
            "activity_id": activity.activity_id,
            "devices_queued": 0,
            "devices_notified": len(activity.devices),
        }

    # --- activities by hand ----------------------------------------------------------------------

    def start(self, body: dict[str, Any], caller: Caller, now: float) -> dict[str, Any]:
        """Start an activity outside any stream."""
        kind = body["content_state"].get("type")
        if kind is None:
            raise Refused(400, "Invalid request", "body.content_state.type is required to start")
        running = [each for each in self._activities.values() if each.active]
        activity = self._start(body, kind, caller, now)
        evicted = [each.activity_id for each in running if not each.active]
        answer = {"success": True, **self._sent(activity), "timestamp": iso(now)}
        return answer | ({"ended_activity_id": evicted[0]} if evicted else {})

    def update(self, body: dict[str, Any], caller: Caller, now: float) -> dict[str, Any]:
        """Update an activity by its id."""
        activity = self._known(body["activity_id"], caller)
        if not activity.active:
            raise Refused(404, "Live Activity not found", "It has ended already")  # choice
        sent = body["content_state"]
        if sent.get("type", activity.type) != activity.type:
            raise Refused(400, "Invalid request", "type cannot change on an update")  # choice
        answer: dict[str, Any] = {"success": True, "timestamp": iso(now)}
        stream = self._streams.get(activity.stream_key or "")
        if stream is not None:
            stream.last_request = None  # the stream's own last request is shown no longer
        old_age = now - activity.started_at >= self.settings.rotate_after_seconds
        if stream is not None and old_age:
            kept = {"channels": list(activity.channels)} if activity.channels else {}
            newer = self._start(
                body | kept,
                activity.type,
                caller,
                now,
                old=activity,
                stream_key=activity.stream_key,
            )
            stream.activity = newer
            return answer | {
                "operation": "rotated",
                "stream_key": activity.stream_key,
                "previous_activity_id": activity.activity_id,
                **self._sent(newer),
            }
        state = activity.merged(sent, self.settings.absent_fields)
        _rules.require_complete(state, activity.type, starting=False)
        answer |= self._update(activity, state, body, now)
        answer.pop("warning", None)  # the contract lists it for streams only
        return answer

    def end(self, body: dict[str, Any], caller: Caller, now: float) -> dict[str, Any]:
        """End an activity by its id."""
        activity = self._known(body["activity_id"], caller)
        answer = {
            "success": True,
            "activity_id": activity.activity_id,
            "timestamp": iso(now),
        }
        if not activity.active:
            return answer | {"ignored": True, "message": "The Live Activity had already ended"}
        self._end(activity, body, now, END_DISMISS_SECONDS)
        return answer | {"devices_queued": 0, "devices_notified": len(activity.devices)}

    # --- the phones ------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Let time pass: iOS ends activities after 8 hours and removes ended ones."""
        for activity in self._activities.values():
            if activity.active and now >= activity.started_at + LIFETIME_SECONDS:
                activity.ended_by_ios = True
                self._stop(activity, activity.started_at + LIFETIME_SECONDS, DISMISS_CAP_SECONDS)
            if not activity.dismissed and now >= (activity.dismiss_at or now + 1):
                activity.dismissed = True
                self.revision += 1

    def next_moment(self) -> float | None:
        """Return the UNIX seconds at which time alone changes a phone; None for never."""
        moments = [
            activity.dismiss_at or activity.started_at + LIFETIME_SECONDS
            for activity in self._activities.values()
            if not activity.dismissed
        ]
        return min(moments, default=None)

    def snapshot(self, now: float, device: str | None = None) -> dict[str, Any]:
        """Return what a phone shows at `now`, newest first; `device` None is the first phone."""
        self.advance(now)
        if device is None:
            device = self.settings.devices[0].name if self.settings.devices else ""
        cards = [
            activity.snapshot(now)
            for activity in reversed(self._activities.values())
            if not activity.dismissed and device in activity.devices
        ]
        pushes = [
            self._push_snapshot(note)
            for note in reversed(self._notifications.values())
            if device in note.devices
        ]
        return {
            "now": now,
            "revision": self.revision,
            "badge": self._badges.get(device, 0),
            "cards": cards,
            "pushes": pushes,
            "widgets": copy.deepcopy(self._widgets),
        }

    @staticmethod
    def _refuse_foreign(activity: Activity, caller: Caller) -> None:
        if caller is not None and not (
            activity.channels is not None and caller.issuperset(activity.channels)
        ):
            raise Refused(403, "Forbidden", "This key may not change this Live Activity")

    def _known(self, activity_id: str, caller: Caller) -> Activity:
        activity = self._activities.get(activity_id)
        if activity is None:  # no status is listed for it: 404 is a choice
            raise Refused(404, "Live Activity not found", "No Live Activity has this activity_id")
        self._refuse_foreign(activity, caller)
        return activity

    def _start(  # noqa: PLR0913  a start has that many sides
        self,
        body: dict[str, Any],
        kind: str,
        caller: Caller,
        now: float,
        *,
        old: Activity | None = None,
        stream_key: str | None = None,
    ) -> Activity:
        """Start an activity; `old`, which it takes over from, is ended and hands on its labels.

        One of the same type hands on its timer window and number of steps as well.
        """
        sent = body["content_state"]
        same = old if old is not None and old.type == kind else None
        state = same.merged(sent, "clear") if same else {**sent, "type": kind}
        _rules.require_complete(state, kind, starting=same is None)
        devices, channels = self._recipients(body, caller, billed=True, live=True)
        self._make_room(devices, old, now)
        if old is not None and old.active:
            self._stop(old, now, dismiss_after=0.0)
        activity = Activity(
            activity_id=self._new_id(),
            stream_key=stream_key,
            type=kind,
            devices=tuple(device.name for device in devices),
            channels=channels,
            started_at=now,
            state=copy.deepcopy(state),
            buttons=_buttons(body),
            timer=Timer.after(same.timer if same else None, sent, now) if kind == "timer" else None,
            tags=_labels(body, "tags", old.tags if old else []),
            metadata=_labels(body, "metadata", old.metadata if old else {}),
        )
        self._activities[activity.activity_id] = activity
        self._changed("start", activity.content(), activity.devices, now, activity)
        return activity

    def _make_room(self, devices: Iterable[Device], leaving: Activity | None, now: float) -> None:
        """Refuse, or end the oldest, where a device is full; `leaving` is about to end."""
        devices = list(devices)
        running = {
            device.name: [
                activity
                for activity in self._activities.values()
                if activity.active and activity is not leaving and device.name in activity.devices
            ]
            for device in devices
        }
        full = [each for each in running.values() if len(each) >= self.settings.limit]
        if full and self.settings.policy == "refuse":
            counts: dict[str, Any] = {}
            if len(full) < len(devices):
                counts = {"blocked_devices": len(full), "targeted_devices": len(devices)}
            raise Refused(
                429,
                "Live Activity limit reached",
                "A device shows as many Live Activities as it may; end one first",
                limit=self.settings.limit,
                active=max(len(each) for each in running.values()),
                headers=None,
                **counts,
            )
        for each in full:
            while sum(activity.active for activity in each) >= self.settings.limit:
                oldest = next(activity for activity in each if activity.active)
                self._stop(oldest, now, dismiss_after=0.0)

    def _update(
        self, activity: Activity, state: dict[str, Any], body: dict[str, Any], now: float
    ) -> dict[str, Any]:
        activity.buttons = _buttons(body)
        activity.tags = _labels(body, "tags", activity.tags)
        activity.metadata = _labels(body, "metadata", activity.metadata)
        state = copy.deepcopy(state)
        if activity.update(state, body["content_state"], now, self.settings):
            self._changed("update", activity.content(), activity.devices, now, activity)
        else:
            self.revision += 1  # the count of dropped updates shows
        answer = self._sent(activity) | {"devices_queued": 0}
        if activity.over_pace(now, self.settings):
            answer["warning"] = "Updating this often may make iOS throttle the Live Activity"
        return answer

    def _end(self, activity: Activity, body: dict[str, Any], now: float, default: float) -> None:
        """End with the last state: what is left out of it stays as it was (choice)."""
        sent = dict(body.get("content_state", {}))
        seconds = sent.pop("auto_dismiss_seconds", None)
        minutes = sent.pop("auto_dismiss_minutes", None)
        if seconds is None:
            seconds = default if minutes is None else minutes * 60
        activity.buttons |= _buttons(body)
        activity.end(activity.merged(copy.deepcopy(sent), "keep"), sent, now)
        activity.dismiss_at = now + min(seconds, DISMISS_CAP_SECONDS)
        self._changed("end", activity.content(), activity.devices, now, activity)

    def _stop(self, activity: Activity, now: float, dismiss_after: float) -> None:
        """End with what is shown: by iOS, by rotation, or to make room."""
        activity.stop(now)
        activity.dismiss_at = now + dismiss_after
        self._changed("end", activity.content(), activity.devices, now, activity)

    def _sent(self, activity: Activity) -> dict[str, Any]:
        devices = [each for each in self.settings.devices if each.name in activity.devices]
        return {
            "activity_id": activity.activity_id,
            **reached(devices),
            "effective_channel_slugs": slugs(activity.channels),
            **tagged(activity.tags),
        }


def _buttons(body: dict[str, Any]) -> dict[str, Any]:
    names = ("action", "secondary_action")
    return {name: copy.deepcopy(body[name]) for name in names if name in body}


def _labels(body: dict[str, Any], name: str, before: Any) -> Any:
    """Tags and metadata: left out they stay, given they replace, empty they are cleared.

    That a non-empty metadata object replaces, and does not merge, is a choice.
    """
    return copy.deepcopy(body.get(name, before))


def _identity(body: dict[str, Any], old: Activity | None) -> str:
    """Return what two identical stream requests have in common.

    How far the comparison goes is not documented. Choice: the whole request, so a new alert or
    tag is sent; labels and channels left out count as repeated.
    """
    same = {name: each for name, each in body.items() if name not in ("channels", "target")}
    same["tags"] = _labels(body, "tags", old.tags if old else [])
    same["metadata"] = _labels(body, "metadata", old.metadata if old else {})
    if old is not None:
        same["content_state"] = {"type": old.type} | same["content_state"]
    return _rules.canonical(same)
