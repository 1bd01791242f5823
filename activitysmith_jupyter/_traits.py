"""Defaults from ``ipython_config.py``: ``c.ActivitySmith.watch_after = "60s"``."""

from __future__ import annotations

from typing import Any, Final

from traitlets import Any as AnyTrait, Bool, Unicode
from traitlets.config import Configurable

from ._say import say
from ._settings import set_fallbacks
from .exceptions import ActivitySmithError

__all__ = ["ActivitySmith", "apply_traits"]

_SWITCHES: Final = ("watch", "mirror")


class ActivitySmith(Configurable):
    """The section of ``ipython_config.py``; each option is described with `configure`."""

    watch = Bool(default_value=False, help="Watch cells from the start.").tag(config=True)
    mirror = Bool(default_value=False, help="Mirror every tqdm bar from the start.").tag(
        config=True
    )
    watch_after = AnyTrait(None, help='Shorter runs are not told, such as "60s".').tag(config=True)
    watch_on = Unicode(None, allow_none=True, help="failed or always.").tag(config=True)
    notify_after = AnyTrait(None, help="Shorter %%notify cells are not told.").tag(config=True)
    notify_on = Unicode(None, allow_none=True, help="done, failed or always.").tag(config=True)
    notify = Unicode(None, allow_none=True, help="When a card's end sends a push.").tag(config=True)
    base_url = Unicode(None, allow_none=True, help="Another server.").tag(config=True)
    disabled = AnyTrait(None, help="Send nothing at all.").tag(config=True)
    channels = AnyTrait(None, help="Recipients: a list, or text with commas.").tag(config=True)
    flush_seconds = AnyTrait(None, help="How long the end may wait.").tag(config=True)
    title = Unicode(None, allow_none=True, help="What the card of bars is called.").tag(config=True)
    style = Unicode(None, allow_none=True, help="progress, timer or steps.").tag(config=True)
    color = Unicode(None, allow_none=True, help="Of the card of bars.").tag(config=True)
    icon = Unicode(None, allow_none=True, help="Of the card of bars.").tag(config=True)


def apply_traits(shell: Any) -> ActivitySmith:
    """Take the defaults of a shell's configuration; a wrong one is said and left out."""
    traits = ActivitySmith(parent=shell)
    given = {
        name: value
        for name in traits.trait_names(config=True)
        if name not in _SWITCHES and (value := getattr(traits, name)) is not None
    }
    accepted: dict[str, Any] = {}
    for name, value in given.items():
        try:
            set_fallbacks(**accepted, **{name: value})
        except ActivitySmithError as error:
            say(f"c.ActivitySmith.{name} is ignored: {error}")
        else:
            accepted[name] = value
    set_fallbacks(**accepted)
    return traits
