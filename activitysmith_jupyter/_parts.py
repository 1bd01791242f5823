"""The base of all payload classes, and the parts that states and pushes are made of."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar, Final

import attrs

from . import _fields, _links
from ._fields import UNSET, Check, Unset, missing_member, unknown_member, within
from .exceptions import PayloadError

__all__ = [
    "COLORS",
    "Action",
    "AlertText",
    "Badge",
    "Icon",
    "LiveActivityColor",
    "Metric",
    "Pictured",
    "Record",
    "any_text",
    "color_name",
    "field_names",
    "list_of",
    "record",
    "required_fields",
    "some_text",
]


class LiveActivityColor:
    """The colours of Live Activities, as constants."""

    LIME = "lime"
    GREEN = "green"
    CYAN = "cyan"
    BLUE = "blue"
    PURPLE = "purple"
    MAGENTA = "magenta"
    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GRAY = "gray"


COLORS: Final[tuple[str, ...]] = tuple(
    value for name, value in vars(LiveActivityColor).items() if name.isupper()
)


def field_names(cls: type[Record]) -> tuple[str, ...]:
    """Return the names of the fields of `cls`, in order."""
    return tuple(attribute.name for attribute in attrs.fields(cls))


def required_fields(cls: type[Record]) -> tuple[str, ...]:
    """Return the names of the fields without which `cls` cannot be made."""
    fields = attrs.fields(cls)
    return tuple(field.name for field in fields if field.default is attrs.NOTHING)


def record(cls: type[Record]) -> Check:
    """Make a check for a `cls`, given as one or as the mapping of its payload."""

    def check(value: Any, field: str) -> Record:
        known = field_names(cls)
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            rule = f"must be a {cls.__name__} or an object with {', '.join(known)}"
            raise PayloadError(field, value, rule)
        with within(field):
            for name, item in value.items():
                if name not in known:
                    raise unknown_member(name, item, known, f"a {cls.__name__}")
            for name in required_fields(cls):
                if name not in value:
                    raise missing_member(name)
            return cls(**value)

    return check


def list_of(check_item: Check, *, minimum: int = 0, maximum: int | None = None) -> Check:
    """Make a check for a list (or tuple) of `minimum` to `maximum` items."""

    def check(value: Any, field: str) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise PayloadError(field, value, "must be a list")
        if len(value) < minimum or (maximum is not None and len(value) > maximum):
            upper = "" if maximum is None else f" to {maximum}"
            rule = f"must have {minimum}{upper} items, has {len(value)}"
            raise PayloadError(field, value, rule)
        return tuple(check_item(item, f"{field}[{index}]") for index, item in enumerate(value))

    return check


@attrs.frozen(repr=False)
class Record:
    """What all payload classes share: checks per field, then checks across fields."""

    _checks: ClassVar[Mapping[str, Check]]

    def __attrs_post_init__(self) -> None:
        for attribute in attrs.fields(type(self)):
            value = getattr(self, attribute.name)
            if value is not UNSET:
                checked = self._checks[attribute.name](value, attribute.name)
                # frozen for everybody else; here the value becomes plain JSON
                object.__setattr__(self, attribute.name, checked)
            elif attribute.default is attrs.NOTHING:
                raise missing_member(attribute.name)
        self._check_together()

    def _check_together(self) -> None:
        """Check what concerns more than one field."""

    def __repr__(self) -> str:
        given = (f"{name}={value!r}" for name, value in self._given().items())
        return f"{type(self).__name__}({', '.join(given)})"

    def _given(self) -> dict[str, Any]:
        names = field_names(type(self))
        return {name: value for name in names if (value := getattr(self, name)) is not UNSET}

    def to_payload(self) -> dict[str, Any]:
        """Return the JSON-ready payload; fields that are not set are left out."""
        return {name: _jsonable(value) for name, value in self._given().items()}


@attrs.frozen(repr=False)
class Pictured(Record):
    """A payload that a notebook shows as the phone would."""

    def _shown_body(self) -> dict[str, Any]:
        raise NotImplementedError

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # IPython leaves out itself what nobody asked for
        # The one place where the core knows of a picture: asked for by a front end, never by us.
        from .card import request_bundle  # noqa: PLC0415  see above

        return request_bundle(self._shown_body())


def _jsonable(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_payload()
    if isinstance(value, tuple):
        return [_jsonable(item) for item in value]
    return deepcopy(value)


color_name: Final = _fields.choice(COLORS)
short_text: Final = _fields.text(minimum=1, maximum=64)
any_text: Final = _fields.text()
some_text: Final = _fields.text(minimum=1)


@attrs.frozen(repr=False)
class Metric(Record):
    """One labelled value of a stats or metrics activity.

    Parameters
    ----------
    label : str
        At least one character.
    value : float or str
        A number, at least 0, or text of 1 to 64 characters, shown as it is.
    unit : str, optional
        Shown behind a number, for example ``%``.
    color : str, optional
        One of `COLORS`.
    """

    _checks: ClassVar = {
        "label": some_text,
        "value": _fields.number_or_text(_fields.number(minimum=0), short_text),
        "unit": any_text,
        "color": color_name,
    }

    label: str
    value: float | str
    unit: str | Unset = attrs.field(default=UNSET, kw_only=True)
    color: str | Unset = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen(repr=False)
class Icon(Record):
    """An SF Symbol beside a Live Activity's title.

    Parameters
    ----------
    symbol : str
        Apple's name of the symbol, for example ``checkmark.circle``. Only the phone can tell
        whether it exists.
    color : str, optional
        One of `COLORS`.
    """

    _checks: ClassVar = {"symbol": some_text, "color": color_name}

    symbol: str
    color: str | Unset = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen(repr=False)
class Badge(Record):
    """A small pill of text on a Live Activity.

    Parameters
    ----------
    title : str
        At least one character.
    color : str, optional
        One of `COLORS`.
    """

    _checks: ClassVar = {"title": some_text, "color": color_name}

    title: str
    color: str | Unset = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen(repr=False)
class AlertText(Record):
    """The notification text that goes out with the start, update or end of an activity.

    Parameters
    ----------
    title, body : str, optional
        What the notification says.
    """

    _checks: ClassVar = {"title": any_text, "body": any_text}

    title: str | Unset = UNSET
    body: str | Unset = UNSET


@attrs.frozen(repr=False)
class Action(Record):
    """A button.

    Parameters
    ----------
    title : str
        The button's text.
    type : {"open_url", "webhook"}
        Open a link on the phone, or have the service call a URL.
    url : str
        For a webhook, an ``https://`` URL. For ``open_url``, http, https or
        ``shortcuts://run-shortcut?name=...``, and in pushes also the link of an installed app.
    method : {"GET", "POST"}, optional
        For a webhook; the service takes POST when it is left out.
    body : mapping, optional
        JSON object for the webhook.

    Notes
    -----
    A `method` given with ``open_url`` is dropped, since other clients always write one; it
    would mean nothing. A `body` there is an error: somebody expects it to arrive.
    """

    _checks: ClassVar = {
        "title": any_text,
        "type": _fields.choice(("open_url", "webhook")),
        "url": any_text,
        "method": _fields.choice(("GET", "POST")),
        "body": _fields.json_object,
    }

    title: str
    type: str
    url: str
    method: str | Unset = attrs.field(default=UNSET, kw_only=True)
    body: Mapping[str, Any] | Unset = attrs.field(default=UNSET, kw_only=True)

    def _check_together(self) -> None:
        if self.type == "webhook":
            _links.https_url(self.url, "url")
            return
        _links.app_link(self.url, "url")
        if self.body is not UNSET:
            hint = "Use type='webhook' to send it"
            raise PayloadError("body", self.body, "is for webhook actions only", hint)
        object.__setattr__(self, "method", UNSET)
