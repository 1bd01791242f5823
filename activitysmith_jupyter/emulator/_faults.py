"""Faults on demand: what networks and servers do on bad days."""

from __future__ import annotations

import fnmatch
import re
import threading
from typing import Any, Final, Literal, get_args

import attrs
from attrs import validators

__all__ = ["Fault", "Faults", "Kind"]

Kind = Literal["delay", "hang", "status", "reset", "garbage"]
_KINDS: Final = get_args(Kind)
MOST_SECONDS: Final = 86_400.0  # beyond some centuries, the system's clocks cannot wait
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE: Final = re.compile(r"[\t -~\xa0-\xff]*")

_text: Final = validators.optional(validators.instance_of(str))


def _whole(_: Any, field: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{field.name} must be a whole number")


@attrs.frozen(kw_only=True)
class Fault:
    """One thing to go wrong.

    Parameters
    ----------
    kind : {"delay", "hang", "status", "reset", "garbage"}
        ``delay`` answers after `seconds`; ``hang`` only when released, or never; ``status``
        answers `status`, `body` and `headers`; ``reset`` closes the connection without an
        answer; ``garbage`` answers 200 and `body`, which is no JSON.
    times : int or None, default None
        How many requests it meets, at least 1; None means every one until cleared.
    method : str or None, default None
        Only requests of this HTTP method.
    path : str or None, default None
        Only requests whose path below the base path matches, with ``*`` and ``?``:
        ``/live-activity/stream/*``.
    after : bool, default False
        True carries the request out first, and only the answer suffers: it arrived, and the
        sender cannot know.
    seconds : float, default 1.0
        For ``delay``, in seconds of real time, 0 to 86400.
    status : int, default 503
        For ``status``, 200 to 599.
    body : object, default None
        For ``status``: text as it is, anything else as JSON; None a usual error body. For
        ``garbage``: text.
    headers : dict
        Further headers of a ``status`` answer.
    """

    kind: Kind = attrs.field(validator=validators.in_(_KINDS))
    times: int | None = attrs.field(
        default=None, validator=validators.optional([_whole, validators.ge(1)])
    )
    method: str | None = attrs.field(default=None, validator=_text)
    path: str | None = attrs.field(default=None, validator=_text)
    after: bool = attrs.field(default=False, validator=validators.instance_of(bool))
    seconds: float = attrs.field(
        default=1.0, validator=[validators.ge(0), validators.le(MOST_SECONDS)]
    )
    status: int = attrs.field(
        default=503, validator=[_whole, validators.ge(200), validators.le(599)]
    )
    body: Any = None
    headers: dict[str, str] = attrs.field(
        factory=dict,
        validator=validators.deep_mapping(
            validators.matches_re(_HEADER_NAME), validators.matches_re(_HEADER_VALUE)
        ),
    )

    def meets(self, method: str, path: str) -> bool:
        """Whether a request is one it is meant for."""
        return (self.method is None or self.method.upper() == method) and (
            self.path is None or fnmatch.fnmatchcase(path, self.path)
        )


class Faults:
    """The faults in store; the first one that meets a request happens to it.

    Parameters
    ----------
    lock : threading.RLock
        Guards it; the emulator's own.
    """

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._waiting: list[list[Any]] = []  # [fault, how often it may still happen]
        self._released = threading.Event()

    def add(self, kind: Kind, **options: Any) -> Fault:
        """Put a fault in store behind the others; options as for `Fault`.

        Raises
        ------
        ValueError, TypeError
            For an unknown kind or option.
        """
        fault = Fault(kind=kind, **options)
        with self._lock:
            self._waiting.append([fault, fault.times])
        return fault

    def clear(self) -> None:
        """Forget the faults in store and release the requests that hang."""
        with self._lock:
            self._waiting.clear()
        self.release()

    def release(self) -> None:
        """Let requests that hang or are delayed go on, once."""
        with self._lock:
            released, self._released = self._released, threading.Event()
        released.set()

    def take(self, method: str, path: str) -> tuple[Fault | None, threading.Event]:
        """Return the fault that happens to a request, and the event that releases it."""
        with self._lock:
            for entry in self._waiting:
                fault, left = entry
                if not fault.meets(method, path):
                    continue
                if left is not None:
                    entry[1] = left - 1
                    if left <= 1:
                        self._waiting.remove(entry)
                return fault, self._released
            return None, self._released

    def waiting(self) -> list[dict[str, Any]]:
        """Return the faults in store as JSON-ready objects."""
        with self._lock:
            return [attrs.asdict(fault) | {"times": left} for fault, left in self._waiting]
