"""Settings and the API key: argument > ``configure()`` > environment > keyring.

Nothing here is read at import: `resolve` looks when somebody is about to use a setting, so that
an environment variable set in the first cell of a notebook still counts.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

import attrs

from ._base_url import DEFAULT_BASE_URL, as_base_url
from ._keyring import keyring_key
from ._option_values import (
    NotifyWhen,
    Style,
    as_action,
    as_cell_end,
    as_channels,
    as_color,
    as_duration,
    as_flag,
    as_icon,
    as_key,
    as_notify,
    as_seconds,
    as_style,
    as_title,
)
from ._secret import HOW_TO_SET_A_KEY, Secret, as_secret, hide
from .exceptions import ConfigurationError, MissingAPIKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Destination", "Settings", "configure", "resolve"]


@attrs.frozen(kw_only=True)
class Settings:
    """What applies now, and where the key was found.

    Attributes
    ----------
    api_key : Secret or None
        None when no place holds one.
    api_key_source : str
        ``"argument"``, ``"configure()"``, ``"ACTIVITYSMITH_API_KEY"``, ``"keyring"`` or ``""``.
    base_url : str
        Without a trailing slash.
    disabled : bool
        True makes everything a quiet no-op.
    channels : tuple of str or None
        Default recipients; None means everyone the key may reach.
    notify : {"done", "failed", "always", "never"}
        When the end of a bar or activity sends a push.
    notify_death : bool
        Whether the death of a kernel or program that ran for a minute sends a push, also where
        `notify` asks for none.
    flush_seconds : float
        How long the end of the program may wait for the last words, 0 to 3600.
    activity : str or None
        The stream key of bars; None makes one from the place.
    title, style, color, icon, action
        How the card of a bar looks; None where nothing was set. ``icon`` and ``action`` are
        JSON-ready.
    notify_on, notify_after
        When a ``%%notify`` cell pushes: "done", "failed" or "always"; and from which duration on,
        seconds.
    watch_on, watch_after
        The same for ``%activity watch``: "failed" or "always"; seconds.
    """

    api_key: Secret | None
    api_key_source: str
    base_url: str
    disabled: bool
    channels: tuple[str, ...] | None
    notify: NotifyWhen
    notify_death: bool
    flush_seconds: float
    activity: str | None
    title: str | None
    style: Style
    color: str | None
    icon: dict[str, Any] | None
    action: dict[str, Any] | None
    notify_on: str
    notify_after: float
    watch_on: str
    watch_after: float

    def require_key(self) -> Secret:
        """Return the key.

        Raises
        ------
        MissingAPIKeyError
            When no place holds one; the message says how to set one.
        """
        if not self.api_key:
            raise MissingAPIKeyError(f"No ActivitySmith API key found. {HOW_TO_SET_A_KEY}")
        return self.api_key

    def destination(self, transport: Any = None) -> Destination:
        """Return where requests go and with which key.

        Raises
        ------
        MissingAPIKeyError
            When no place holds a key.
        """
        return Destination(self.base_url, self.require_key(), transport)


@attrs.frozen
class Destination:
    """A server and the key it is asked with.

    Attributes
    ----------
    base_url : str
        Checked, without a trailing slash.
    api_key : Secret
        Shown to nobody.
    transport : httpx.BaseTransport or None
        Replaces the network; compared by identity.
    """

    base_url: str
    api_key: Secret
    transport: Any = attrs.field(default=None, eq=id)


@attrs.frozen
class _Option:
    environment: str
    parse: Callable[[object], Any]
    default: Any


_OPTIONS: Final[Mapping[str, _Option]] = {
    "api_key": _Option("ACTIVITYSMITH_API_KEY", as_secret, None),
    "base_url": _Option("ACTIVITYSMITH_BASE_URL", as_base_url, DEFAULT_BASE_URL),
    "disabled": _Option("ACTIVITYSMITH_DISABLED", as_flag("disabled"), False),
    "channels": _Option("ACTIVITYSMITH_CHANNELS", as_channels, None),
    "notify": _Option("ACTIVITYSMITH_NOTIFY", as_notify, "never"),
    "notify_death": _Option("ACTIVITYSMITH_NOTIFY_DEATH", as_flag("notify_death"), True),
    "flush_seconds": _Option("ACTIVITYSMITH_FLUSH_SECONDS", as_seconds, 5.0),
    "activity": _Option("ACTIVITYSMITH_ACTIVITY", as_key, None),
    "title": _Option("ACTIVITYSMITH_TITLE", as_title, None),
    "style": _Option("ACTIVITYSMITH_STYLE", as_style, "progress"),
    "color": _Option("ACTIVITYSMITH_COLOR", as_color, None),
    "icon": _Option("ACTIVITYSMITH_ICON", as_icon, None),
    "action": _Option("ACTIVITYSMITH_ACTION", as_action, None),
    "notify_on": _Option(
        "ACTIVITYSMITH_NOTIFY_ON", as_cell_end("notify_on", "done", "failed", "always"), "always"
    ),
    "notify_after": _Option("ACTIVITYSMITH_NOTIFY_AFTER", as_duration("notify_after"), 0.0),
    "watch_on": _Option(
        "ACTIVITYSMITH_WATCH_ON", as_cell_end("watch_on", "failed", "always"), "always"
    ),
    "watch_after": _Option("ACTIVITYSMITH_WATCH_AFTER", as_duration("watch_after"), 60.0),
}


class _Process:
    """What `configure` set, for this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.configured: dict[str, Any] = {}
        # What ipython_config.py says: weaker than everything that was said for this session.
        self.fallbacks: dict[str, Any] = {}

    def reset(self) -> None:
        with self.lock:
            self.configured.clear()
            self.fallbacks.clear()


_process = _Process()


def configure(**options: Any) -> None:
    """Set defaults for this process; ``None`` takes a setting back.

    Parameters
    ----------
    **options
        ``api_key`` (str), ``base_url`` (https URL, or http on this machine), ``disabled`` (bool),
        ``channels`` (list or comma-separated text), ``notify`` ("done", "failed", "always" or
        "never"), ``notify_death`` (bool), ``flush_seconds`` (0 to 3600), and how the cards of bars
        look: ``title``, ``style`` ("progress", "timer" or "steps"), ``color``, ``icon`` (an SF
        Symbol name), ``action``; for cells ``notify_on``, ``notify_after``, ``watch_on`` and
        ``watch_after`` (seconds, or text such as ``"90s"`` and ``"5m"``).

    Raises
    ------
    ConfigurationError, PayloadError
        An unknown option or an unusable value; nothing is changed then.

    Examples
    --------
    >>> from activitysmith_jupyter import configure
    >>> configure(notify="failed", channels="ml-team")
    >>> configure(notify=None, channels=None)
    """
    if "api_key" in options:  # first of all, so that no traceback's variables can show it
        options["api_key"] = hide(options["api_key"])
    parsed: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _OPTIONS:
            raise ConfigurationError(
                f"configure() has no option {name!r}; it knows {', '.join(_OPTIONS)}"
            )
        parsed[name] = None if value is None else _OPTIONS[name].parse(value)
    with _process.lock:
        for name, value in parsed.items():
            if value is None:
                _process.configured.pop(name, None)
            else:
                _process.configured[name] = value


def set_fallbacks(**options: Any) -> None:
    """Set what applies where neither an argument, `configure` nor the environment says anything.

    Raises
    ------
    ConfigurationError, PayloadError
        An unusable value; nothing is changed then.
    """
    parsed = check_arguments(**options)
    with _process.lock:
        _process.fallbacks = parsed


def configured(*names: str) -> dict[str, Any]:
    """Return what `configure` set, None for what it did not; `configure` takes it back so."""
    with _process.lock:
        return {name: _process.configured.get(name) for name in names}


def check_arguments(**arguments: Any) -> dict[str, Any]:
    """Return the values that a caller gave, checked; ``None`` means not given.

    Raises
    ------
    ConfigurationError, PayloadError
        A value cannot be used.
    """
    return {
        name: _OPTIONS[name].parse(value) for name, value in arguments.items() if value is not None
    }


def resolve(
    *, ask_keyring: bool = True, defaults: Mapping[str, Any] | None = None, **arguments: Any
) -> Settings:
    """Return the settings that apply now.

    Parameters
    ----------
    ask_keyring : bool, default True
        Whether to look into the desktop's key store when no other place holds a key (once per
        process, for at most 2 seconds).
    defaults : mapping, optional
        The caller's own defaults, in place of the general ones.
    **arguments
        Values given by the caller; ``None`` means not given.

    Raises
    ------
    ConfigurationError
        A value, wherever it comes from, cannot be used.
    """
    arguments["api_key"] = hide(arguments.get("api_key"))  # as in `configure`
    found: dict[str, Any] = {}
    source = ""
    for name, option in _OPTIONS.items():
        if arguments.get(name) is not None:
            found[name], place = option.parse(arguments[name]), "argument"
        elif name in _process.configured:
            found[name], place = _process.configured[name], "configure()"
        elif os.environ.get(option.environment, "").strip():
            found[name], place = option.parse(os.environ[option.environment]), option.environment
        else:
            default = (defaults or {}).get(name, option.default)
            found[name], place = _process.fallbacks.get(name, default), ""
        if name == "api_key":
            source = place
    key: Secret | None = found.pop("api_key")
    if key is None and ask_keyring and not found["disabled"]:
        key = keyring_key()
        source = "keyring" if key is not None else ""
    return Settings(api_key=key, api_key_source=source, **found)
