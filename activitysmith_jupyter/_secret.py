"""The API key as a value that shows itself to nobody."""

from __future__ import annotations

from typing import Any, Final

from .exceptions import ConfigurationError

__all__ = ["HOW_TO_SET_A_KEY", "Secret", "as_secret", "hide"]

HOW_TO_SET_A_KEY: Final = (
    "Create a key at https://activitysmith.com/app/keys and set it with "
    "`export ACTIVITYSMITH_API_KEY=...`, `activitysmith_jupyter.configure(api_key=...)` or "
    "`ActivitySmith(api_key=...)`; or try everything without an account: "
    "`activitysmith-jupyter emulator`"
)


class Secret:
    """A text that shows itself to nobody but the one place that calls `reveal`.

    Its ``repr``, ``str`` and ``format`` are dots; it has no ``__dict__``; pickling or copying to
    another process loses the text, so that the other side looks for its own key.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself: for the Authorization header, and nothing else."""
        return self._text

    def scrub(self, text: str) -> str:
        """Return `text` without the secret, should somebody have echoed it."""
        return text.replace(self._text, "[key]") if self._text else text

    def is_header_safe(self) -> bool:
        """Tell whether an HTTP header can carry the text."""
        return self._text.isascii() and self._text.isprintable() and " " not in self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret('…')" if self._text else "Secret('')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Secret, ("",)


def hide(value: object) -> object:
    """Return a text as a `Secret` without surrounding space, anything else as it is."""
    return Secret(value.strip()) if isinstance(value, str) else value


def as_secret(value: object) -> Secret:
    secret = hide(value)
    # Tracebacks can show local variables (`%xmode Verbose`): from here on only the Secret is one.
    del value
    if not isinstance(secret, Secret):
        raise ConfigurationError(
            f"api_key must be a text, not {type(secret).__name__}. {HOW_TO_SET_A_KEY}"
        )
    if not secret:
        raise ConfigurationError(f"api_key is empty. {HOW_TO_SET_A_KEY}")
    # A header value cannot hold them, and httpx would name the offending text in its error.
    if not secret.is_header_safe():
        raise ConfigurationError("api_key has characters that no API key has: copy it again")
    return secret
