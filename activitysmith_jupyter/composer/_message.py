"""A message that is ready to go: its request, and the same request as code. Pure."""

from __future__ import annotations

import json
import pprint
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import attrs

from activitysmith_jupyter._base_url import DEFAULT_BASE_URL
from activitysmith_jupyter.composer._line import magic_line

if TYPE_CHECKING:
    from activitysmith_jupyter.composer._draft import Operation

__all__ = ["LANGUAGES", "Message", "written"]

LANGUAGES: Final = ("Python", "%activity", "curl")
_WIDTH: Final = 88


@attrs.frozen(kw_only=True)
class Message:
    """What one press of a button sends.

    Attributes
    ----------
    operation : {"push", "replace", "start", "update", "end"}
        What it does.
    body : dict
        Checked, JSON-ready.
    stream_key : str
        Of a Live Activity.
    notification_id : str
        Of the push that is replaced.
    """

    operation: Operation
    body: dict[str, Any]
    stream_key: str = ""
    notification_id: str = ""

    @property
    def method(self) -> str:
        """The HTTP method."""
        return {"push": "POST", "end": "DELETE"}.get(self.operation, "PUT")

    @property
    def path(self) -> str:
        """The path below the base URL."""
        if self.operation == "push":
            return "/push-notification"
        if self.operation == "replace":
            return f"/push-notification/{quote(self.notification_id, safe='')}"
        return f"/live-activity/stream/{quote(self.stream_key, safe='')}"


def written(message: Message, language: str, *, base_url: str = DEFAULT_BASE_URL) -> str:
    """Write a message as code that sends the same request.

    Parameters
    ----------
    message : Message
        What to send.
    language : str
        One of `LANGUAGES`. The key never stands in the code: each finds it in its environment.
    base_url : str
        Where curl sends it when ``ACTIVITYSMITH_BASE_URL`` is not set.
    """
    if language == "Python":
        return _python(message)
    if language == "curl":
        return _curl(message, base_url)
    return magic_line(message)


def _python(message: Message) -> str:
    body = pprint.pformat(message.body, width=_WIDTH - 4, sort_dicts=False)
    call, first = {
        "push": ("notifications.send", ""),
        "replace": ("notifications.replace", repr(message.notification_id)),
        "end": ("live_activities.end_stream", repr(message.stream_key)),
    }.get(message.operation, ("live_activities.stream", repr(message.stream_key)))
    arguments = [argument for argument in (first, body) if argument]
    lines = "".join(f"{_indented(argument)},\n" for argument in arguments)
    return (
        "from activitysmith_jupyter import ActivitySmith\n\n"
        "activitysmith = ActivitySmith()  # finds the key by itself\n"
        f"activitysmith.{call}(\n{lines})\n"
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _curl(message: Message, base_url: str) -> str:
    # ASCII only, so that no terminal's encoding changes it; no line of it can end the document.
    body = json.dumps(message.body, indent=2)
    url = f"${{ACTIVITYSMITH_BASE_URL:-{base_url}}}{message.path}"
    return (
        f'curl --fail-with-body -X {message.method} "{url}" \\\n'
        '  -H "Authorization: Bearer $ACTIVITYSMITH_API_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  --data-binary @- <<'JSON'\n{body}\nJSON\n"
    )
