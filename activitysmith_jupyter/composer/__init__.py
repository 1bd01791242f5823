"""The composer: a form for every message, with the card beside it, in a notebook."""

from __future__ import annotations

from activitysmith_jupyter.composer._composer import Composer

__all__ = ["Composer"]
