"""What can be chosen about the emulated account and its phones."""

from __future__ import annotations

import json
from typing import Any, Final, Literal

import attrs
from attrs import validators

from ._rules import Refused, check_metric_key

__all__ = ["Device", "ManualClock", "Settings", "settings_from_json"]

BILLING_ERRORS: Final = ("trial_expired", "trial_exhausted", "billing_overage_cap_reached")
BADGE_FAILURES: Final = ("badge_device_disconnected", "badge_update_failed")


_is_text: Final = validators.instance_of(str)


def _strings(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(each, str) for each in value):
        raise TypeError("needs strings in a list or tuple")
    return tuple(value)


def _metric_keys(_: Any, __: Any, keys: tuple[str, ...] | None) -> None:
    for key in keys or ():
        try:
            check_metric_key(key)
        except Refused:
            raise ValueError(f"{key!r} is no key of a metric") from None


def _at_least_zero(_: Any, field: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and not (isinstance(value, int | float) and value >= 0):
        raise ValueError(f"{field.name} must be a number of at least 0")


class ManualClock:
    """A clock that moves only when told to.

    Parameters
    ----------
    now : float, default 1_750_000_000.0
        UNIX seconds it starts at.
    """

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self._now = now
        self._listeners: list[Any] = []

    def __call__(self) -> float:
        """Return the time in UNIX seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by `seconds` (>= 0) and let whoever waits for a moment look again."""
        if seconds < 0:
            raise ValueError("a clock does not go backwards")
        self._now += seconds
        for listener in self._listeners:
            listener()

    def subscribe(self, listener: Any) -> None:
        """Call `listener` without arguments after each advance."""
        self._listeners.append(listener)


@attrs.frozen(kw_only=True)
class Device:
    """One paired phone.

    Parameters
    ----------
    name : str
        Its name, unique in the account.
    user : str, default "me"
        Whose it is; answers count users as well as devices.
    channels : tuple of str
        Slugs of the channels it belongs to.
    live_activities : bool, default True
        False for a device that can show pushes only.
    """

    name: str = attrs.field(validator=validators.and_(_is_text, validators.min_len(1)))
    user: str = attrs.field(default="me", validator=_is_text)
    channels: tuple[str, ...] = attrs.field(default=(), converter=_strings)
    live_activities: bool = attrs.field(default=True, validator=validators.instance_of(bool))


def _unique_names(_: Any, __: Any, devices: tuple[Device, ...]) -> None:
    if len({device.name for device in devices}) < len(devices):
        raise ValueError("two devices have the same name")


@attrs.frozen(kw_only=True)
class Settings:
    """The emulated account; every default follows the newest published contract.

    Parameters
    ----------
    devices : tuple of Device
        The paired phones, the first one being the phone of the phone page. None at all makes
        every send a 422.
    limit : int, default 5
        Live Activities at a time per device, >= 1.
    policy : {"refuse", "evict"}, default "refuse"
        At the limit: answer 429, or end the oldest activity to make room. Which of the two the
        service does when is not documented.
    rate_limits : {"standard", "strict", "off"}, default "standard"
        Four buckets and per-IP limits with headers; or one shared bucket of 60 a minute without
        any header, as older pages say; or none.
    metrics : tuple of str or None, default ()
        Keys of the widget metrics that exist. Metrics are made in the web app, so the default is
        the real service's answer to somebody who has made none: 404. None creates each metric
        on its first use.
    channels : tuple of str or None, default None
        Channels the main API key is confined to; None for a key that reaches everyone.
    billing_error : str or None, default None
        Answer 402 with this reason where the contract lists 402.
    badge_failure : str or None, default None
        Answer badge requests with this failure: ``badge_device_disconnected`` (422) or
        ``badge_update_failed`` (502).
    replace_window_seconds : float, default 86400
        Choice: a push older than this answers 409 on replacing (APNs keeps one for a day).
    rotate_after_seconds : float, default 28200
        Choice: a stream's activity older than this (7 h 50 min; iOS ends it at 8 h) is rotated by
        the next PUT.
    absent_fields : {"clear", "keep"}, default "clear"
        Choice: whether visible fields left out of an update disappear or stay.
    update_burst : int or None, default 12
        Updates a card may get in a burst before iOS throttles it; None never throttles. The
        numbers are those of the service's own warning; the throttling itself is a model.
    update_interval_seconds : float, default 120
        Beyond the burst, one update per this many seconds on average.
    throttle_seconds : float, default 3600
        How long iOS drops a card's updates once it has had too many ("roughly an hour").
    """

    devices: tuple[Device, ...] = attrs.field(
        default=(Device(name="iPhone"),), converter=tuple, validator=_unique_names
    )
    limit: int = attrs.field(default=5, validator=[validators.instance_of(int), validators.ge(1)])
    policy: Literal["refuse", "evict"] = attrs.field(
        default="refuse", validator=validators.in_(("refuse", "evict"))
    )
    rate_limits: Literal["standard", "strict", "off"] = attrs.field(
        default="standard", validator=validators.in_(("standard", "strict", "off"))
    )
    metrics: tuple[str, ...] | None = attrs.field(
        default=(), converter=attrs.converters.optional(_strings), validator=_metric_keys
    )
    channels: tuple[str, ...] | None = attrs.field(
        default=None, converter=attrs.converters.optional(_strings)
    )
    billing_error: str | None = attrs.field(
        default=None, validator=validators.in_((None, *BILLING_ERRORS))
    )
    badge_failure: str | None = attrs.field(
        default=None, validator=validators.in_((None, *BADGE_FAILURES))
    )
    replace_window_seconds: float = attrs.field(default=86_400.0, validator=_at_least_zero)
    rotate_after_seconds: float = attrs.field(default=28_200.0, validator=_at_least_zero)
    absent_fields: Literal["clear", "keep"] = attrs.field(
        default="clear", validator=validators.in_(("clear", "keep"))
    )
    update_burst: int | None = attrs.field(default=12, validator=_at_least_zero)
    update_interval_seconds: float = attrs.field(default=120.0, validator=validators.gt(0))
    throttle_seconds: float = attrs.field(default=3600.0, validator=_at_least_zero)


def settings_from_json(settings: Settings, changes: Any) -> Settings:
    """Return `settings` with the changes of a decoded JSON object.

    Raises
    ------
    ValueError
        For anything that is no object of known settings with allowed values.
    """
    try:
        if "devices" in changes:
            changes = changes | {"devices": [Device(**device) for device in changes["devices"]]}
        return attrs.evolve(settings, **changes)
    except (TypeError, ValueError) as error:
        known = ", ".join(field.name for field in attrs.fields(Settings))
        raise ValueError(
            f"cannot use {json.dumps(changes, default=str)}: {error}; known settings: {known}"
        ) from None
