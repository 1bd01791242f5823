"""`Sheet`: rows of name, value and remark, as text and as HTML that fits a notebook's theme."""

from __future__ import annotations

import html
from typing import Final, Literal

import attrs

__all__ = ["Row", "Sheet"]

Mark = Literal["", "ok", "note", "bad"]

_SIGNS: Final[dict[str, str]] = {"": " ", "ok": "✓", "note": "·", "bad": "✗"}
# Readable on a light and on a dark ground.
_COLORS: Final[dict[str, str]] = {
    "": "inherit",
    "ok": "#1a9c46",
    "note": "inherit",
    "bad": "#e0453a",
}
_TABLE: Final = "border-collapse:collapse;font-size:13px;margin:4px 0"
_CELL: Final = (
    "padding:3px 12px 3px 0;text-align:left;vertical-align:top;border:0;background:none;"
    "white-space:pre-wrap;color:inherit"
)


@attrs.frozen
class Row:
    """One line.

    Attributes
    ----------
    name : str
        What it is about.
    value : str
        How it stands.
    mark : {"", "ok", "note", "bad"}
        Whether that is as it should be.
    remedy : str
        What to do about it.
    url : str
        Where the value leads.
    """

    name: str
    value: str
    mark: Mark = ""
    remedy: str = ""
    url: str = ""


class Sheet:
    """Rows under a headline.

    Parameters
    ----------
    title : str
        The headline.
    rows : list of Row
        From top to bottom.
    """

    def __init__(self, title: str, rows: list[Row]) -> None:
        self._title = title
        self.rows = rows

    @property
    def is_good(self) -> bool:
        """Whether no row is bad."""
        return all(row.mark != "bad" for row in self.rows)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # IPython leaves out itself what nobody asked for
        return {"text/plain": str(self), "text/html": self._html()}

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        width = max((len(row.name) for row in self.rows), default=0)
        lines = [self._title]
        for row in self.rows:
            lines.append(f"{_SIGNS[row.mark]} {row.name:<{width}}  {row.value}")
            if row.remedy:
                lines.append(f"  {'':<{width}}  → {row.remedy}")
        return "\n".join(lines)

    def _html(self) -> str:
        rows = "".join(_html_row(row) for row in self.rows)
        return f'<div><b>{html.escape(self._title)}</b><table style="{_TABLE}">{rows}</table></div>'


def _html_row(row: Row) -> str:
    value = html.escape(row.value)
    if row.url:
        link = html.escape(row.url, quote=True)
        value = f'<a href="{link}" target="_blank" rel="noopener">{value}</a>'
    if row.remedy:
        value += f"<br><i>{html.escape(row.remedy)}</i>"
    sign = f'<span style="color:{_COLORS[row.mark]};font-weight:bold">{_SIGNS[row.mark]}</span>'
    name = f'<span style="white-space:nowrap">{html.escape(row.name)}</span>'
    columns = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in (sign, name, value))
    return f"<tr>{columns}</tr>"
