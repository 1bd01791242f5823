"""One call of an accessor's method: what is asked, of which frame, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from activitysmith_jupyter._say import say
from activitysmith_jupyter._settings import Settings, resolve
from activitysmith_jupyter.activity import key_of
from activitysmith_jupyter.exceptions import PayloadError
from activitysmith_jupyter.frames._delivery import deliver, requests_of
from activitysmith_jupyter.frames._memory import Memory, Remembered
from activitysmith_jupyter.frames._report import Report, make_report
from activitysmith_jupyter.frames._watch import Watch

if TYPE_CHECKING:
    from activitysmith_jupyter.frames._options import Options
    from activitysmith_jupyter.frames._plans import Plan
    from activitysmith_jupyter.frames._query import Figure
    from activitysmith_jupyter.frames._report import Kind

__all__ = ["Job", "preview", "send", "watch"]


@attrs.frozen(kw_only=True)
class Job:
    """A report to be made.

    Attributes
    ----------
    kind : {"stats", "metrics", "value", "progress"}
        The card's type.
    name : str
        The stream key, or a title to make one from.
    plan : Plan
        What is asked.
    source : object
        A native frame, or a function that returns one.
    options : Options
        As the user said them.
    labels : sequence of str or None
        The metrics; None where the frame decides about them.
    """

    kind: Kind
    name: str
    plan: Plan
    source: Any
    options: Options
    labels: Sequence[str] | None

    def settings(self, *, ask_keyring: bool = True) -> Settings:
        """Return the settings that apply."""
        return resolve(ask_keyring=ask_keyring, channels=self.options.channels)

    def report(self, remembered: Remembered) -> Report:
        """Ask the frame and make the report."""
        native = self.source() if callable(self.source) else self.source
        figures = self.plan.measure(native)
        report = make_report(
            self.kind,
            key_of(self.name),
            self.options.title or self.name,
            figures,
            self.options,
            before=self._before(figures, remembered),
            remembered=remembered,
        )
        return attrs.evolve(report, remarks=tuple(self.plan.remarks(figures)))

    def first_report(self, remembered: Remembered) -> Report:
        """Make the report in the user's own thread, where remarks can be said."""
        report = self.report(remembered)
        for remark in report.remarks:
            say(remark)
        return report

    def _before(self, figures: Sequence[Figure], remembered: Remembered) -> Mapping[str, Any]:
        delta = self.options.delta
        if delta is None:
            return {}
        if isinstance(delta, str):
            return remembered.values
        if isinstance(delta, Mapping):
            return delta
        try:
            return self.plan.baseline(delta, figures)
        except PayloadError as error:
            rule = f"cannot be asked the same: {error}"
            raise PayloadError("delta", type(delta).__name__, rule) from error


def send(job: Job) -> Report:
    """Make the report and send it."""
    job.options.check(job.labels)
    settings = job.settings()
    if not settings.disabled:
        settings.require_key()
    memory = Memory(settings.base_url)
    report = job.first_report(memory.load(key_of(job.name)))
    return deliver(report, job.options, settings, memory)


def preview(job: Job) -> Report:
    """Make the report, check that it could be sent, and send nothing."""
    job.options.check(job.labels)
    settings = job.settings(ask_keyring=False)
    report = job.first_report(Memory(settings.base_url).load(key_of(job.name)))
    requests_of(report, job.options, settings)
    return report


def watch(job: Job, every_seconds: float) -> Watch:
    """Make the report now and then again and again, in the background."""
    job.options.check(job.labels)
    if job.options.places != ("card",):
        raise PayloadError("to", job.options.to, "a watch keeps a card fresh, nothing else")
    settings = job.settings()
    if not settings.disabled:
        settings.require_key()
    memory = Memory(settings.base_url)
    remembered = memory.load(key_of(job.name))
    first = job.first_report(remembered)
    return Watch(
        first,
        job.report,
        remembered,
        job.options,
        settings,
        memory,
        every_seconds=every_seconds,
    )
