"""`Preview`: a request that was not sent, shown as the phone would show it."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any, Final

from ._place import ipython_shell
from .card import card_html, card_text, push_html, push_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Preview"]

_DRY_RUN: Final = "Dry run: nothing was sent."
_CODE_STYLE: Final = (
    "font-size:12px;line-height:1.45;margin:6px 0;padding:0;background:none;border:0;"
    "color:inherit;white-space:pre-wrap"
)


class Preview:
    """One request with its exact body, and the card or push it makes.

    Parameters
    ----------
    method, path : str
        As in the service's API.
    body : mapping
        The request's JSON; the key is no part of it.
    notes : sequence of str
        What else to say.
    """

    def __init__(
        self, method: str, path: str, body: Mapping[str, Any], notes: Sequence[str] = ()
    ) -> None:
        self._line = f"{method} {path}"
        self._body = body
        self._notes = [_DRY_RUN, *notes]

    def show(self) -> None:
        """Display it in a notebook, print it elsewhere."""
        if ipython_shell() is None:
            print(self)  # noqa: T201  what a dry run is for
            return
        from IPython.display import display  # noqa: PLC0415  a shell runs, so it is loaded

        display(self)  # type: ignore[no-untyped-call]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # IPython leaves out itself what nobody asked for
        return {"text/plain": str(self), "text/html": self._html()}

    def __repr__(self) -> str:
        return f"<Preview {self._line}>"

    def __str__(self) -> str:
        return "\n".join([*self._notes, *self._drawn(as_html=False), self._line, self._json()])

    def _html(self) -> str:
        notes = "".join(f"<div><b>{html.escape(note)}</b></div>" for note in self._notes)
        code = html.escape(f"{self._line}\n{self._json()}")
        drawn = "".join(self._drawn(as_html=True))
        return f'<div>{notes}{drawn}<pre style="{_CODE_STYLE}">{code}</pre></div>'

    def _drawn(self, *, as_html: bool) -> list[str]:
        state = self._body.get("content_state")
        if state is not None:
            buttons = {
                name: self._body[name]
                for name in ("action", "secondary_action")
                if name in self._body
            }
            status = "ended" if self._line.startswith("DELETE") else "active"
            draw = card_html if as_html else card_text
            return [draw(state, status=status, **buttons)]
        if "title" in self._body:
            return [push_html(self._body) if as_html else push_text(self._body)]
        return []

    def _json(self) -> str:
        return json.dumps(self._body, indent=2, ensure_ascii=False)
