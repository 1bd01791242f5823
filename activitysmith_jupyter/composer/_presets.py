"""Presets by name and the newest stream keys, in a file of the user's own config folder."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

from activitysmith_jupyter._private_files import replace_private_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Presets", "presets_path"]

MOST_RECENT: Final = 12


def presets_path() -> Path:
    """Return where the presets of this user live."""
    import platformdirs  # noqa: PLC0415  only who opens a composer needs it

    folder = platformdirs.user_config_path("activitysmith-jupyter", appauthor=False)
    return folder / "composer.json"


class Presets:
    """Named messages and recent stream keys.

    Parameters
    ----------
    path : Path, optional
        The file; that of the user when left out. It is only written when something is saved.

    Notes
    -----
    A file that is missing or cannot be read counts as empty; it never holds the API key, and
    nobody but the user may read it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    @property
    def path(self) -> Path:
        """The file."""
        if self._path is None:
            self._path = presets_path()
        return self._path

    def names(self) -> list[str]:
        """Return the names of the presets, sorted."""
        return sorted(self._read()["presets"])

    def get(self, name: str) -> dict[str, Any] | None:
        """Return a preset: ``stream_key`` and ``body``; None when there is none of that name."""
        preset = self._read()["presets"].get(name)
        usable = isinstance(preset, dict) and isinstance(preset.get("body"), dict)
        return preset if usable else None

    def save(self, name: str, *, stream_key: str, body: Mapping[str, Any]) -> None:
        """Keep a message under a name, in the place of an older one.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        content = self._read()
        content["presets"][name] = {"stream_key": stream_key, "body": dict(body)}
        self._write(content)

    def delete(self, name: str) -> None:
        """Forget a preset; nothing happens when there is none of that name."""
        content = self._read()
        if content["presets"].pop(name, None) is not None:
            self._write(content)

    def recent_keys(self) -> list[str]:
        """Return the stream keys used last, newest first."""
        return [key for key in self._read()["recent"] if isinstance(key, str)][:MOST_RECENT]

    def remember_key(self, stream_key: str) -> None:
        """Put a stream key in front; a folder that cannot be written is no reason to fail."""
        content = self._read()
        others = [key for key in content["recent"] if key != stream_key]
        content["recent"] = [stream_key, *others][:MOST_RECENT]
        with contextlib.suppress(OSError):
            self._write(content)

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            content = None
        content = content if isinstance(content, dict) else {}
        presets, recent = content.get("presets"), content.get("recent")
        return {
            "presets": presets if isinstance(presets, dict) else {},
            "recent": recent if isinstance(recent, list) else [],
        }

    def _write(self, content: Mapping[str, Any]) -> None:
        replace_private_file(self.path, json.dumps(content, indent=1))
