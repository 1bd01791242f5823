"""Settings and the API key: argument > ``configure()`` > environment > keyring.

Nothing here is read at import: `resolve` looks when somebody is about to use a setting, so that
an environment variable set in the first cell of a notebook still counts.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import threading
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import urlsplit

import attrs

from ._durations import parse_seconds
from ._parts import Icon, record
from ._requests import stream_body
from ._streams import check_stream_key
from .exceptions import ConfigurationError, MissingAPIKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Destination", "Secret", "Settings", "configure", "resolve"]

DEFAULT_BASE_URL: Final = "https://activitysmith.com/api"
KEYRING_SERVICE: Final = "activitysmith"
KEYRING_USER: Final = "api_key"
# Desktop key stores may show a prompt or wait for a bus that is not there; nobody should wait.
_KEYRING_SECONDS: Final = 2.0

HOW_TO_SET_A_KEY: Final = (
    "Create a key at https://activitysmith.com/app/keys and set it with "
    "`export ACTIVITYSMITH_API_KEY=...`, `activitysmith_jupyter.configure(api_key=...)` or "
    "`ActivitySmith(api_key=...)`; or try everything without an account: "
    "`activitysmith-jupyter emulator`"
)


class Secret:
    """A text that shows itself to nobody but the one place that calls `reveal`.

    Its ``repr``, ``str`` and ``format`` are dots; it has no ``__dict__``; pickling or copying to
    another process loses the text, so that the other side looks for its own key.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself: for the Authorization header, and nothing else."""
        return self._text

    def scrub(self, text: str) -> str:
        """Return `text` without the secret, should somebody have echoed it."""
        return text.replace(self._text, "[key]") if self._text else text

    def is_header_safe(self) -> bool:
        """Tell whether an HTTP header can carry the text."""
        return self._text.isascii() and self._text.isprintable() and " " not in self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret('…')" if self._text else "Secret('')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Secret, ("",)


def hide(value: object) -> object:
    """Return a text as a `Secret` without surrounding space, anything else as it is."""
    return Secret(value.strip()) if isinstance(value, str) else value


def _as_secret(value: object) -> Secret:
    secret = hide(value)
    # Tracebacks can show local variables (`%xmode Verbose`): from here on only the Secret is one.
    del value
    if not isinstance(secret, Secret):
        raise ConfigurationError(
            f"api_key must be a text, not {type(secret).__name__}. {HOW_TO_SET_A_KEY}"
        )
    if not secret:
        raise ConfigurationError(f"api_key is empty. {HOW_TO_SET_A_KEY}")
    # A header value cannot hold them, and httpx would name the offending text in its error.
    if not secret.is_header_safe():
        raise ConfigurationError("api_key has characters that no API key has: copy it again")
    return secret


# Printable ASCII without quotes, backslash and the like; in brackets, an IPv6 address.
_PLAIN_URL: Final = re.compile(
    r"https?://(\[[0-9a-f:.]+\]|[\w.-]+)(:\d*)?(/[\w.~%!$&'()*+,;=:@/-]*)?(\?.*)?(#.*)?",
    re.ASCII | re.IGNORECASE,
)


def _as_base_url(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(
            f"base_url={value!r}: must be a URL such as {DEFAULT_BASE_URL} "
            "(ACTIVITYSMITH_BASE_URL, configure(base_url=...) or base_url=)"
        )
    text = value.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(f"base_url={value!r}: {error}") from None
    if "@" in parts.netloc:
        raise ConfigurationError("base_url must not carry a user name or password")
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(
            f"base_url={value!r}: must start with https:// (or http:// on this machine)"
        )
    if not _PLAIN_URL.fullmatch(text):
        # Readers of URLs differ in what they make of the others, and so in where the key goes.
        raise ConfigurationError(
            f"base_url={value!r}: has characters that no URL has (write an international host "
            "name in its xn-- form)"
        )
    if "?" in text or "#" in text:  # urlsplit does not tell an empty one from none
        raise ConfigurationError(f"base_url={value!r}: must not carry a query or fragment")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"base_url={value!r}: plain http would show the API key to the network; "
            "use https (http only works for this machine, as the emulator does)"
        )
    return text


def is_loopback(host: str) -> bool:
    """Tell whether `host`, a name or address, can only be this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"", "0", "false", "no", "off"})


def _as_flag(name: str) -> Callable[[object], bool]:
    def parse(value: object) -> bool:
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        raise ConfigurationError(f"{name}={value!r}: must be 1 or 0 (ACTIVITYSMITH_{name.upper()})")

    return parse


def _as_channels(value: object) -> tuple[str, ...] | None:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple):
        raise ConfigurationError(
            f"channels={value!r}: must be a list of channel slugs or comma-separated text"
        )
    if not all(isinstance(slug, str) for slug in value):
        raise ConfigurationError(f"channels={value!r}: every channel must be a text")
    return tuple(slug.strip() for slug in cast("list[str]", value) if slug.strip()) or None


def _as_seconds(value: object) -> float:
    try:
        seconds = float(cast("float", value))
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds <= 3600:  # noqa: PLR2004  an hour; also refuses NaN
        raise ConfigurationError(
            f"flush_seconds={value!r}: must be seconds between 0 and 3600 "
            "(ACTIVITYSMITH_FLUSH_SECONDS)"
        )
    return seconds


def _as_duration(name: str) -> Callable[[object], float]:
    def parse(value: object) -> float:
        try:
            return parse_seconds(value)
        except ValueError as error:
            raise ConfigurationError(f"{name}={value!r}: {error}") from None

    return parse


def _as_cell_end(name: str, *choices: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        text = str(value).strip().lower()
        if text not in choices:
            raise ConfigurationError(f"{name}={value!r}: must be one of {', '.join(choices)}")
        return text

    return parse


NotifyWhen = Literal["done", "failed", "always", "never"]
Style = Literal["progress", "timer", "steps"]


def _as_notify(value: object) -> NotifyWhen:
    text = str(value).strip().lower()
    if text not in {"done", "failed", "always", "never"}:
        raise ConfigurationError(
            f"notify={value!r}: must be 'done', 'failed', 'always' or 'never' "
            "(ACTIVITYSMITH_NOTIFY)"
        )
    return cast("NotifyWhen", text)


def _as_style(value: object) -> Style:
    text = str(value).strip().lower()
    if text not in {"progress", "timer", "steps"}:
        raise ConfigurationError(
            f"style={value!r}: must be 'progress', 'timer' or 'steps' (ACTIVITYSMITH_STYLE)"
        )
    return cast("Style", text)


def _as_key(value: object) -> str:
    return check_stream_key(value, "activity")


def _as_title(value: object) -> str:
    text = str(value).strip()
    if not text:
        raise ConfigurationError("title is empty: leave it out to use the bar's description")
    return text


def _as_color(value: object) -> str:
    return cast("str", Icon("circle", color=cast("str", value)).color)


def _as_icon(value: object) -> dict[str, Any]:
    given = {"symbol": value} if isinstance(value, str) else value
    return record(Icon)(given, "icon").to_payload()  # type: ignore[no-any-return]


def _as_action(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ConfigurationError(
                "action: must be an action object, or JSON of one in ACTIVITYSMITH_ACTION"
            ) from None
    # The request builder knows which URLs a card may open.
    checked: dict[str, Any] = stream_body(title="-", action=value)["action"]
    return checked


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
        if self.api_key is None:
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
    "api_key": _Option("ACTIVITYSMITH_API_KEY", _as_secret, None),
    "base_url": _Option("ACTIVITYSMITH_BASE_URL", _as_base_url, DEFAULT_BASE_URL),
    "disabled": _Option("ACTIVITYSMITH_DISABLED", _as_flag("disabled"), False),
    "channels": _Option("ACTIVITYSMITH_CHANNELS", _as_channels, None),
    "notify": _Option("ACTIVITYSMITH_NOTIFY", _as_notify, "never"),
    "notify_death": _Option("ACTIVITYSMITH_NOTIFY_DEATH", _as_flag("notify_death"), True),
    "flush_seconds": _Option("ACTIVITYSMITH_FLUSH_SECONDS", _as_seconds, 5.0),
    "activity": _Option("ACTIVITYSMITH_ACTIVITY", _as_key, None),
    "title": _Option("ACTIVITYSMITH_TITLE", _as_title, None),
    "style": _Option("ACTIVITYSMITH_STYLE", _as_style, "progress"),
    "color": _Option("ACTIVITYSMITH_COLOR", _as_color, None),
    "icon": _Option("ACTIVITYSMITH_ICON", _as_icon, None),
    "action": _Option("ACTIVITYSMITH_ACTION", _as_action, None),
    "notify_on": _Option(
        "ACTIVITYSMITH_NOTIFY_ON", _as_cell_end("notify_on", "done", "failed", "always"), "always"
    ),
    "notify_after": _Option("ACTIVITYSMITH_NOTIFY_AFTER", _as_duration("notify_after"), 0.0),
    "watch_on": _Option(
        "ACTIVITYSMITH_WATCH_ON", _as_cell_end("watch_on", "failed", "always"), "always"
    ),
    "watch_after": _Option("ACTIVITYSMITH_WATCH_AFTER", _as_duration("watch_after"), 60.0),
}


class _Process:
    """What `configure` set, and the keyring's one answer, for this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.configured: dict[str, Any] = {}
        # What ipython_config.py says: weaker than everything that was said for this session.
        self.fallbacks: dict[str, Any] = {}
        self.keyring_asked = False
        self.keyring_key: Secret | None = None

    def reset(self) -> None:
        with self.lock:
            self.configured.clear()
            self.fallbacks.clear()
            self.keyring_asked = False
            self.keyring_key = None


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
        key = _keyring_key()
        source = "keyring" if key is not None else ""
    return Settings(api_key=key, api_key_source=source, **found)


def _keyring_key() -> Secret | None:
    with _process.lock:
        asked, _process.keyring_asked = _process.keyring_asked, True
        if asked:
            return _process.keyring_key
    answer: list[Secret] = []

    def ask() -> None:
        try:
            import keyring  # noqa: PLC0415  optional, and slow to import

            stored = keyring.get_password(KEYRING_SERVICE, KEYRING_USER)
            if stored:
                answer.append(_as_secret(stored))
        except Exception:  # noqa: BLE001, S110  no keyring, no backend, a locked one: no key there
            pass

    thread = threading.Thread(target=ask, name="activitysmith-keyring", daemon=True)
    thread.start()
    thread.join(_KEYRING_SECONDS)
    with _process.lock:
        _process.keyring_key = next(iter(answer), None)
    return _process.keyring_key
