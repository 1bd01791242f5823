"""How a report looks and where it goes, as the user says it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

import attrs

from activitysmith_jupyter.exceptions import PayloadError, brief
from activitysmith_jupyter.frames._changes import Good, Level, Limit, read_limit
from activitysmith_jupyter.frames._numbers import Format, check_format, check_locale

__all__ = ["Looks", "Options"]

PLACES: Final = ("card", "widget", "badge", "push")


class Looks(TypedDict, total=False):
    """How a card looks and where it goes; described at `Kpis`."""

    title: str | None
    subtitle: str | None
    icon: Any
    color: str | None
    formats: Format | Mapping[str, Format] | None
    locale: str
    delta: Any
    good: Good | Mapping[str, Good] | None
    warn: Any
    alert: Any
    to: str | Sequence[str]
    keys: Mapping[str, str] | None
    badge: str | None
    channels: Sequence[str] | str | None


@attrs.frozen(kw_only=True)
class Options:
    """How a report looks and where it goes, as the user said it; see `Kpis`."""

    title: str | None = None
    subtitle: str | None = None
    icon: Any = None
    color: str | None = None
    formats: Format | Mapping[str, Format] | None = None
    locale: str = "en"
    delta: Any = None
    good: Good | Mapping[str, Good] | None = None
    warn: Any = None
    alert: Any = None
    to: str | Sequence[str] = "card"
    keys: Mapping[str, str] | None = None
    badge: str | None = None
    channels: Sequence[str] | str | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Where it goes, each place once."""
        if isinstance(self.to, str):
            return (self.to,)
        return tuple(place for index, place in enumerate(self.to) if place not in self.to[:index])

    @property
    def has_limits(self) -> bool:
        """True where a metric can be worth a push."""
        return self.warn is not None or self.alert is not None

    def check(self, labels: Sequence[str] | None) -> None:
        """Check what can be checked before anything is computed.

        Parameters
        ----------
        labels : sequence of str or None
            The metrics; None where the frame decides about them.

        Raises
        ------
        PayloadError
            An option is unknown, or names a metric that is not there.
        """
        for name in ("title", "subtitle", "badge"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise PayloadError(name, value, "must be text")
        check_locale(self.locale)
        self._check_places()
        if isinstance(self.delta, str) and self.delta != "previous":
            raise PayloadError("delta", self.delta, "must be 'previous', a mapping or a frame")
        for name in ("formats", "good", "warn", "alert", "keys"):
            self._check_labels(name, labels)
        for label in labels or ("",):
            if (how := self.given(self.formats, label)) is not None:
                check_format(how, label)
            good = self.given(self.good, label)
            if good is not None and not (isinstance(good, str) and good in {"up", "down"}):
                raise PayloadError(f"good[{label}]", good, "must be 'up' or 'down'")
            self.limits(label)

    def _check_places(self) -> None:
        rule = f"must be {', '.join(PLACES)}, or a list of several of them"
        if not isinstance(self.to, str | list | tuple):
            raise PayloadError("to", self.to, rule)
        for place in self.places:
            if place not in PLACES:
                raise PayloadError("to", place, rule, "For a look without sending: .preview()")

    def _check_labels(self, name: str, labels: Sequence[str] | None) -> None:
        option = getattr(self, name)
        if not isinstance(option, Mapping):
            bare_limit = option is not None and name in {"warn", "alert"}
            if bare_limit and labels is not None and len(labels) > 1:
                hint = f"For example {name}={{{labels[0]!r}: ...}}"
                raise PayloadError(name, option, "must say for which metric", hint)
            return
        for label in option:
            if labels is not None and label not in labels:
                near = difflib.get_close_matches(brief(label).strip("'"), labels, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(labels)}"
                word = label if isinstance(label, str) else brief(label)
                raise PayloadError(f"{name}[{word}]", option[label], "is no metric here", hint)

    @staticmethod
    def given(option: Any, label: str) -> Any:
        """Return what an option says for a metric; None where it says nothing."""
        return option.get(label) if isinstance(option, Mapping) else option

    def limits(self, label: str) -> dict[Level, Limit]:
        """Return a metric's limits, the graver one first."""
        good = self.given(self.good, label)
        said: dict[Level, Any] = {
            "alert": self.given(self.alert, label),
            "warn": self.given(self.warn, label),
        }
        return {
            level: read_limit(limit, good, f"{level}[{label}]")
            for level, limit in said.items()
            if limit is not None
        }
