"""Read a push notification, whole or partial, into what its banner shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs

from activitysmith_jupyter.card._view import Button, read_button, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Detail", "PushView", "read_push"]

MOST_BUTTONS: Final = 4  # the service's own limit of actions
MEDIA_KINDS: Final = {
    "Image": (".png", ".jpg", ".jpeg", ".gif", ".webp", ".heic", ".svg"),
    "Audio": (".mp3", ".m4a", ".wav", ".aac", ".ogg", ".flac"),
    "Video": (".mp4", ".mov", ".m4v", ".webm"),
}
LEVELS: Final = {
    "passive": "Passive: quiet, no wake",
    "active": "Active",
    "time-sensitive": "Time Sensitive",
}


@attrs.frozen
class Detail:
    """A small line under the banner: words, and the address they speak of, empty for none."""

    label: str
    url: str = ""
    is_urgent: bool = False


@attrs.frozen
class PushView:
    """Everything a banner shows."""

    title: str
    subtitle: str
    message: str
    details: tuple[Detail, ...]
    picture: str
    buttons: tuple[Button, ...]


def read_push(push: Mapping[str, Any]) -> PushView:
    """Read a push payload; fields that are missing or of the wrong kind are not shown."""
    actions = push.get("actions")
    candidates = actions[:MOST_BUTTONS] if isinstance(actions, list | tuple) else ()
    buttons = (read_button(candidate) for candidate in candidates)
    return PushView(
        title=shown(push.get("title")) or "Untitled",
        subtitle=shown(push.get("subtitle")),
        message=shown(push.get("message")),
        details=tuple(_details(push)),
        picture=_picture(push),
        buttons=tuple(button for button in buttons if button is not None),
    )


def _details(fields: Mapping[str, Any]) -> list[Detail]:
    details = []
    level = shown(fields.get("interruption_level"))
    if level:
        details.append(Detail(LEVELS.get(level, level), is_urgent=level == "time-sensitive"))
    media = shown(fields.get("media"))
    if media:
        details.append(Detail(_media_kind(media), media))
    if fields.get("icon"):
        details.append(Detail("Icon", shown(fields["icon"])))
    if fields.get("redirection"):
        details.append(Detail("Tap opens", shown(fields["redirection"])))
    if fields.get("sound"):
        details.append(Detail(f"Sound {shown(fields['sound'])}"))
    if fields.get("badge") is not None:
        details.append(Detail(f"App badge {shown(fields['badge'])}"))
    return details


def _picture(push: Mapping[str, Any]) -> str:
    """Return the address of a picture among the media; empty for sounds, videos and the rest."""
    media = shown(push.get("media"))
    return media if media.startswith("https://") and _media_kind(media) == "Image" else ""


def _media_kind(url: str) -> str:
    """Guess from the file extension, the only hint there is without asking the server."""
    try:
        path = urlsplit(url).path.lower()
    except ValueError:
        return "Media"
    return next((kind for kind, ends in MEDIA_KINDS.items() if path.endswith(ends)), "Media")
