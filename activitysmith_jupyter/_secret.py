"""The API key as a value that shows itself to nobody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HOW_TO_SET_A_KEY", "Secret", "as_secret", "hide"]

# No word of passing the key in code: a cell that holds it is saved with the notebook.
HOW_TO_SET_A_KEY: Final = (
    "Create a key at https://activitysmith.com/app/keys and set it with `%activity login` in a "
    "notebook (after `%load_ext activitysmith_jupyter`) or `export ACTIVITYSMITH_API_KEY=...` in a "
    "shell; or try everything without an account: `activitysmith-jupyter emulator`"
)

# Shorter ones could be part of any text.
_LEAST_BASE64: Final = 8


class Secret:
    """A text that shows itself to nobody but the one place that calls `reveal`.

    Its ``repr``, ``str`` and ``format`` are dots, and so is all that debuggers and inspectors find
    by going through its attributes. Pickling loses the text: in another process it is empty, and
    whoever would use it says that there is no key.
    """

    __slots__ = ("_say",)

    def __init__(self, text: str) -> None:
        # In a function, not in an attribute: whoever lists attributes and their values (a variable
        # explorer, `inspect.getmembers`, rich's `inspect`) calls none.
        self._say: Callable[[], str] = lambda: text

    def reveal(self) -> str:
        """Return the text itself: for the Authorization header, and nothing else."""
        return self._say()

    def scrub(self, text: str) -> str:
        """Return `text` without the secret, should somebody have echoed it in some spelling."""
        for spelling in _spellings(self._say()):
            text = text.replace(spelling, "[key]")
        return text

    def is_header_safe(self) -> bool:
        """Tell whether an HTTP header can carry the text."""
        text = self._say()
        return text.isascii() and text.isprintable() and " " not in text

    def __bool__(self) -> bool:
        return bool(self._say())

    def __repr__(self) -> str:
        return "Secret('…')" if self else "Secret('')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._say() == other._say()

    def __hash__(self) -> int:
        return hash((Secret, self._say()))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Secret, ("",)


def _spellings(text: str) -> list[str]:
    """Return how a text may look in a URL, in JSON, HTML, Python or Base64, longest first."""
    if not text:
        return []
    import base64  # noqa: PLC0415  only what comes from elsewhere is scrubbed
    import html  # noqa: PLC0415  as above
    import json  # noqa: PLC0415  as above
    from urllib.parse import quote  # noqa: PLC0415  as above

    in_json, in_html = json.dumps(text)[1:-1], html.escape(text)
    spellings = {text, repr(text)[1:-1]}
    spellings |= {in_json, in_json.replace("/", "\\/"), json.dumps(in_json)[1:-1]}
    spellings |= {in_html, in_html.replace("&#x27;", "&#39;"), html.escape(text, quote=False)}
    for safe in ("", "/"):
        quoted = quote(text, safe=safe)
        spellings |= {quoted, re.sub("%..", lambda found: found[0].lower(), quoted)}
    for before in range(3):  # it may begin anywhere within a group of three bytes
        encoded = base64.b64encode(b" " * before + text.encode()).decode()
        whole = encoded[-(-before * 8 // 6) : (before + len(text.encode())) * 8 // 6]
        if len(whole) >= _LEAST_BASE64:
            spellings |= {whole, whole.translate({ord("+"): "-", ord("/"): "_"})}
    return sorted(spellings, key=len, reverse=True)


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
