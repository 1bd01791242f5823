"""What a widget leaves behind in a notebook: a picture for whoever sees it without its kernel."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

import ipywidgets
from IPython.display import HTML, display

from ._moments import Debounced

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StaticPicture"]

_RESTING_SECONDS: Final = 0.8
# A front end that lost the kernel marks the widgets; one that never knew it shows words of its own
# in their place. Either way the picture, the next output, stands in for them.
_STYLE: Final = """\
body:has(.as-live-{name}:not(.jupyter-widgets-disconnected)) .as-static-{name}{{display:none}}
.as-live-{name}.jupyter-widgets-disconnected,
.jp-OutputArea-child:has(+.jp-OutputArea-child .as-static-{name}):not(:has(.as-live-{name}))\
{{display:none!important}}
.as-static-{name}>p{{margin:0 0 6px;font:13px/1.4 system-ui,sans-serif}}
"""


class StaticPicture:
    """The picture beside one widget, hidden while the widget is alive.

    Parameters
    ----------
    words : str
        What stands above the picture, in HTML: what it is a picture of.
    draw : callable
        Returns the picture as HTML, whole in itself.
    """

    def __init__(self, words: str, draw: Callable[[], str]) -> None:
        name = secrets.token_hex(4)
        self._live = f"as-live-{name}"
        self._static = f"as-static-{name}"
        self._words = words
        self._draw = draw
        self._style = _STYLE.format(name=name)
        self._shown: Any = None
        self.keep_soon: Final = Debounced(self.keep, _RESTING_SECONDS)

    def watch(self, widget: ipywidgets.Box) -> None:
        """Name the widget whose life decides which of the two is seen."""
        widget.add_class(self._live)
        style = ipywidgets.HTML(f"<style>{self._style}</style>")
        style.layout.display = "none"
        widget.children = (style, *widget.children)

    def show(self, bundle: dict[str, Any]) -> None:
        """Display the widget, given as its MIME bundle, and the picture after it."""
        display(bundle, raw=True)  # type: ignore[no-untyped-call]
        self._shown = display(self.picture(), display_id=True)  # type: ignore[no-untyped-call]

    def keep(self) -> None:
        """Draw the picture anew, where there is one."""
        self.keep_soon.cancel()
        if self._shown is not None:
            self._shown.update(self.picture())

    def picture(self) -> Any:
        """Return the picture as it is displayed."""
        drawn = (
            f'<div class="{self._static}"><style>{self._style}</style>'
            f"<p>{self._words}</p>{self._draw()}</div>"
        )
        return HTML(drawn)  # type: ignore[no-untyped-call]
