"""`HandCard`: an Activity that a notebook's user moves by hand, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._requests import stream_body
from ._runtime import runtime
from .activity import Activity

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HandCard"]


class HandCard(Activity):
    """An Activity whose buttons may change with a later line."""

    @property
    def kind(self) -> str:
        """The contract's name of its type."""
        return self._type

    def change(self, fields: Mapping[str, Any], members: Mapping[str, Any]) -> None:
        """Note a new state and new members beside it.

        Parameters
        ----------
        fields : mapping
            Content-state fields.
        members : mapping
            ``action``, ``secondary_action``, ``alert``, ``tags`` and ``metadata``; what is not
            named stays.

        Raises
        ------
        PayloadError
            One breaks a rule; nothing has changed then.
        """
        self.preview(fields, members)
        self._members = {**self._members, **members}
        self._built = None
        self.update(**fields)

    def preview(self, fields: Mapping[str, Any], members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body that `change` would send; nothing changes."""
        now = runtime().courier.now()
        state = self._state.merged(fields, now, urgent=False)
        return stream_body(
            content_state=self._content(state, now, None),
            **{**self._members, **members, **self._recipients()},
        )
