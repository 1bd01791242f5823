"""The courier's line to one server: how it fares there, and what the user has heard of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from ._delivery import Retry, Setback, setback
from ._results import Result, notices
from .exceptions import ActivitySmithError, ConnectionFailedError, NotFoundError

if TYPE_CHECKING:
    from ._http import Http
    from ._notices import Notices
    from ._settings import Destination

__all__ = ["PUSH_RETRY", "STATE_RETRY", "Line"]

# One try a time: the courier has a schedule of its own, and meanwhile a newer state may win.
STATE_RETRY: Final = Retry(idempotent=True, attempts=1)
PUSH_RETRY: Final = Retry(idempotent=False, attempts=1)
# Nobody was there: unlike a request without an answer, this one opened no card.
_OFFLINE: Final = "offline"
# What is over, so that it is said anew should it come again.
_OVER_WITH_AN_ANSWER: Final = frozenset({"unreachable", "rate", "expired"})
_OVER_WITH_A_CARD: Final = frozenset({"capacity", "recipients", "key", "billing", "forbidden"})


@attrs.define(eq=False)
class Line:
    """One server under one key: its health is shared by all cards that go there.

    Attributes
    ----------
    to : Destination
    http : Http
    notices : Notices
    not_before : float
        When the next request may leave, on the courier's clock.
    asked_to_wait : bool
        The server itself named that time: it holds for the last words, too.
    failures : int
        Requests that failed in a row.
    """

    to: Destination
    http: Http
    notices: Notices
    not_before: float = 0.0
    asked_to_wait: bool = False
    failures: int = 0
    # What the user has heard about it, until it is over.
    _said: set[str] = attrs.field(factory=set, init=False)

    def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any],
        *,
        retry: Retry = STATE_RETRY,
        timeout_seconds: float | None = None,
    ) -> dict[str, Any] | Setback:
        """Make one request and return its answer, or what its failure means; tell the user."""
        try:
            answer = self.http.request(
                method, path, body or None, retry=retry, timeout_seconds=timeout_seconds
            )
        except NotFoundError as error:
            if method == "DELETE":  # it ended by itself or by somebody else's hand: as wanted
                return {"success": True, "operation": "ended", "ignored": True}
            found = setback(error, self.failures)
        except ActivitySmithError as error:
            found = setback(error, self.failures)
            if not retry.idempotent and not retry.wait(error):
                found = attrs.evolve(found, wait_seconds=None)
            if isinstance(error, ConnectionFailedError) and not error.may_have_arrived:
                found = attrs.evolve(found, kind=_OFFLINE)
        except Exception as error:  # noqa: BLE001  one request's fault must not hold up the others
            self.notices.note_fault("one request could not be made", error, hide=self.to.api_key)
            return Setback("internal", "card", None, "")
        else:
            self.failures, self.not_before, self.asked_to_wait = 0, 0.0, False
            self._said -= _OVER_WITH_AN_ANSWER
            return answer
        # Each refusal has a reason of its own; every other kind is one situation, and a server that
        # cuts connections before it turns new ones away is one, too.
        kind = "unreachable" if found.kind == _OFFLINE else found.kind
        self.tell(found.notice if kind == "refused" else kind, found.notice)
        return found

    def rest(self, found: Setback, now: float, *, at_most_seconds: float | None) -> None:
        """Wait after a setback of the whole line.

        Parameters
        ----------
        found : Setback
        now : float
            The courier's time.
        at_most_seconds : float or None
            The patience of somebody who waits, heeded where the server named no time itself.
        """
        self.asked_to_wait = found.kind == "rate"
        wait_seconds = found.wait_seconds or 0.0
        if at_most_seconds is not None and not self.asked_to_wait:
            wait_seconds = min(wait_seconds, at_most_seconds)
        self.failures += 1
        self.not_before = now + wait_seconds

    @property
    def is_well(self) -> bool:
        """Whether the last request succeeded, and nothing stands against another card."""
        return not (self.failures or self._said & _OVER_WITH_A_CARD)

    def hurry(self) -> None:
        """Try again now, but not where the server named the time."""
        if not self.asked_to_wait:
            self.not_before = 0.0

    def opened_a_card(self) -> None:
        """Note that the account shows cards: what stood against it is over."""
        self._said -= _OVER_WITH_A_CARD

    def hear(self, result: Result) -> None:
        """Tell the user what an answer has to say to them."""
        for notice in notices(result):
            self.tell(notice, notice)

    def tell(self, kind: str, notice: str) -> None:
        """Tell the user of a situation, once until it is over."""
        if kind not in self._said:
            self._said.add(kind)
            self.notices.note(notice)
