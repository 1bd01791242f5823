"""`RunCard`: one card for a whole notebook that a runner executes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from activitysmith_jupyter._claims import claim
from activitysmith_jupyter._feed import Sample
from activitysmith_jupyter._opencard import OpenCard
from activitysmith_jupyter._outcome import Outcome, error_words, one_line
from activitysmith_jupyter._progress import SteadyFinish, joined, percentage
from activitysmith_jupyter._relay import Listener
from activitysmith_jupyter._requests import stream_body
from activitysmith_jupyter._runtime import runtime
from activitysmith_jupyter._settings import resolve
from activitysmith_jupyter._smalltext import cut, finish_text
from activitysmith_jupyter._streams import stream_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from activitysmith_jupyter._settings import Settings

    from ._plan import Plan

__all__ = ["QUIET_EXITS", "RunCard", "run_settings"]

# A run that is over by then was not worth a card; its push comes all the same.
_OPENS_AFTER_SECONDS: Final = 2.0
_NAME_WIDTH: Final = 24
_SUBTITLE_WIDTH: Final = 60
_SEPARATOR: Final = " · "
_MESSAGE_CHARACTERS: Final = 300
# What a notebook that ends itself by sys.exit() says where all is well; papermill agrees.
QUIET_EXITS: Final = frozenset({"", "0", "None"})


@attrs.frozen(kw_only=True)
class _At:
    """Where the run is: replaced as a whole, so that the courier's thread sees no mixture.

    Attributes
    ----------
    done : int
        Cells that have run.
    index : int or None
        The one that runs now, among all cells.
    since : float
        Since when.
    """

    done: int = 0
    index: int | None = None
    since: float = 0.0


def run_settings(**arguments: Any) -> Settings:
    """Return the settings of a run: its end sends a push unless somebody said otherwise."""
    return resolve(defaults={"notify": "always"}, **arguments)


def _outcome_of(name: str, text: str) -> Outcome:
    """Return the verdict of an exception that another process has told by name and text."""
    if name == "KeyboardInterrupt":
        return Outcome.of_exception(KeyboardInterrupt())
    if name == "SystemExit":
        return Outcome.of_exception(SystemExit(None if text in QUIET_EXITS else text))
    return Outcome("failed", error_words(name, text))


class RunCard(OpenCard):
    """One card, "7 of 30: train", and one push at the end.

    Parameters
    ----------
    title : str
        The notebook's name.
    plan : Plan
        What is going to run.
    settings : Settings
        From `run_settings`.
    listener : Listener, optional
        Where the kernel's bars are heard; one of its own when left out.
    """

    def __init__(
        self, title: str, plan: Plan, settings: Settings, listener: Listener | None = None
    ) -> None:
        super().__init__(
            stream_key=claim(stream_key("run", notebook=title)), title=title, settings=settings
        )
        self.plan = plan
        self._owns_listener = listener is None
        self.listener = listener or Listener()
        self._began = runtime().courier.now()
        self._at = _At()
        self._finish = SteadyFinish()

    # ------------------------------------------------------------------ the runner's thread

    def cell_began(self, index: int) -> None:
        """Hear that a cell begins; a failure before it was tolerated."""
        self.release_hold()
        self.listener.forget()
        now = runtime().courier.now()
        self._at = attrs.evolve(self._at, index=index, since=now)

    def cell_ended(self, index: int) -> None:
        """Hear that a cell has run; after the last one the run is done."""
        cell = self.plan.at(index)
        if cell is None:
            return
        self._at = _At(done=cell.number)
        if self.plan.is_last(index):
            self.finish(Outcome("done"))

    def cell_failed(self, index: int, name: str, text: str) -> None:
        """Hear that a cell raised; unless another one begins, that was the end.

        Parameters
        ----------
        index : int
            Among all cells.
        name, text : str
            The exception's type, and the exception as text.
        """
        self._at = attrs.evolve(self._at, index=index)
        self.hold(_outcome_of(name, text))

    def over(self) -> None:
        """Hear that the runner has finished with the notebook, without an error of its own."""
        self.settle(None)
        unfinished = self._at.index is not None
        self.finish(Outcome("stopped", "not all cells ran") if unfinished else Outcome("done"))

    def settle(self, outcome: Outcome | None) -> None:
        """Hear how the runner ended; a kernel that died is no failure of a cell."""
        if outcome is not None and outcome.reason.startswith("DeadKernelError"):
            outcome = Outcome("died")
        super().settle(outcome)

    def finish(
        self,
        outcome: Outcome,
        *,
        grace_seconds: float = 0.0,
        last: Mapping[str, Any] | None = None,
    ) -> None:
        """Say the verdict; a second call does nothing."""
        super().finish(outcome, grace_seconds=grace_seconds, last=last)
        if self._owns_listener:
            self.listener.close()

    # ------------------------------------------------------------------ the courier's thread

    def _sample(self, now: float, seconds_left: float | None) -> Sample | None:
        at, inner = self._at, self.listener.newest()
        share = self.plan.share(at.done, inner.share or 0.0)
        known = self.plan.seconds_left(at.done, now - at.since, inner.share)
        if known is None and at.done:
            known = seconds_left
        now_wall = datetime.now().astimezone()
        finish_wall = self._finish.update(known, now_wall)
        ending = [] if finish_wall is None else [finish_text(finish_wall, now_wall)]
        first, *more = inner.text.split(_SEPARATOR)
        texts = [self._where(at), first, *ending, *more]
        fields = self._fields(share, joined(texts, _SUBTITLE_WIDTH))
        return Sample(
            body=stream_body(content_state=fields, **self._recipients()),
            share=share,
            pace="progress",
            ready=now - self._began >= _OPENS_AFTER_SECONDS,
            by_hand=True,
            began=self._began,
        )

    def _fields(self, share: float, subtitle: str) -> dict[str, Any]:
        return {
            "type": "progress",
            "title": self._title,
            "percentage": percentage(share),
            **({"subtitle": subtitle} if subtitle else {}),
            **({"color": self._settings.color} if self._settings.color else {}),
            **({"icon": self._settings.icon} if self._settings.icon else {}),
        }

    def _where(self, at: _At) -> str:
        cell = None if at.index is None else self.plan.at(at.index)
        if cell is None:
            return f"{at.done} of {self.plan.total}"
        name = f": {cut(cell.name, _NAME_WIDTH)}" if cell.name else ""
        return f"{cell.number} of {self.plan.total}{name}"

    def _place(self) -> str:
        cell = None if self._at.index is None else self.plan.at(self._at.index)
        if cell is None:
            return ""
        name = f" ({cut(cell.name, _NAME_WIDTH)})" if cell.name else ""
        return f"cell {cell.number} of {self.plan.total}{name}"

    def _last_words(self, outcome: Outcome) -> dict[str, Any]:
        share = 1.0 if outcome.verdict == "done" else self.plan.share(self._at.done)
        return {
            **self._fields(share, ""),
            **outcome.look("progress", one_line(self._sentence(outcome))),
        }

    def _push_message(self, outcome: Outcome) -> str:
        return one_line(self._sentence(outcome), _MESSAGE_CHARACTERS)

    def _sentence(self, outcome: Outcome) -> str:
        elapsed_seconds = runtime().courier.now() - self._began
        sentence = outcome.sentence(at=self._place(), elapsed_seconds=elapsed_seconds)
        if outcome.verdict == "done" and self.plan.total:
            plural = "" if self.plan.total == 1 else "s"
            return f"{sentence}: {self.plan.total} cell{plural}"
        return sentence
