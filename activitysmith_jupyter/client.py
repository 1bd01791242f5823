"""`ActivitySmith`: the service in the shape its own documentation teaches.

Every snippet of the service's Python documentation runs with this import instead::

    from activitysmith_jupyter import ActivitySmith, content_state, metric

    activitysmith = ActivitySmith()  # finds the key by itself
    activitysmith.notifications.send(title="Training finished", message="accuracy 0.982")

What is sent is checked before it costs a request; answers are typed records; errors are those of
`activitysmith_jupyter.exceptions`. A client may be shared between threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, TypeVar
from urllib.parse import quote

from . import _requests
from ._delivery import Retry
from ._fields import UNSET, Unset
from ._parts import Action, Badge, Icon, Metric
from ._results import (
    BadgeResult,
    EndResult,
    MetricResult,
    PushResult,
    ReplaceResult,
    Result,
    StartResult,
    StreamEndResult,
    StreamResult,
    UpdateResult,
    notices,
)
from ._say import say
from ._secret import hide
from ._settings import resolve
from ._streams import check_metric_key, check_stream_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Unpack

    import httpx

    from ._http import Http, RateLimit
    from ._keywords import (
        EndFields,
        PushFields,
        ReplaceFields,
        StartFields,
        StreamEndFields,
        StreamFields,
        UpdateFields,
    )
    from ._payloads import Push, State
    from ._settings import Destination, Settings

__all__ = ["ActivitySmith", "action", "alert_badge", "alert_icon", "content_state", "metric"]

_REPEATABLE: Final = Retry(idempotent=True)
_ONCE: Final = Retry(idempotent=False)

_R = TypeVar("_R", bound=Result)


class ActivitySmith:
    """A client of the service.

    Parameters
    ----------
    api_key : str, optional
        Left out, it comes from `configure`, ``ACTIVITYSMITH_API_KEY`` or the keyring.
    base_url : str, optional
        https, or http on this machine; default ``https://activitysmith.com/api``.
    transport : httpx.BaseTransport, optional
        Replaces the network, for example ``httpx.WSGITransport(app=emulator.app)``.

    Raises
    ------
    MissingAPIKeyError
        No place holds a key.
    ConfigurationError
        The key or the URL cannot be used.

    Notes
    -----
    Connecting may take 5 seconds, an answer 10. What can be repeated without harm is retried up
    to three times, as ``Retry-After`` says where the answer has one; a push is retried only where
    it cannot have been delivered.

    Examples
    --------
    >>> from activitysmith_jupyter.emulator import Emulator
    >>> with Emulator() as emulator:
    ...     client = ActivitySmith(api_key=emulator.api_key, base_url=emulator.base_url)
    ...     client.notifications.send(title="Training finished").success
    True
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        secret = hide(api_key)
        del api_key  # tracebacks can show variables
        self._settings = resolve(api_key=secret, base_url=base_url)
        self._caller = Caller(
            None if self._settings.disabled else self._settings.destination(transport)
        )
        self.notifications: Final = Notifications(self._caller)
        self.live_activities: Final = LiveActivities(self._caller)
        self.metrics: Final = Metrics(self._caller)

    def badge_count(
        self,
        badge: int | Mapping[str, Any],
        *,
        channels: Sequence[str] | str | Unset = UNSET,
        target: Mapping[str, Any] | Unset = UNSET,
    ) -> BadgeResult:
        """Set the number on the app's icon.

        Parameters
        ----------
        badge : int
            0 to 2147483647; 0 clears it.
        channels : list of str or comma-separated str, optional
            Whose icon; everyone's when left out.
        """
        body = _requests.badge_body(badge, channels=channels, target=target)
        return self._caller(BadgeResult, "POST", "/badge", body)

    @property
    def rate_limits(self) -> dict[str, RateLimit]:
        """What the newest answers said is left of each quota, by policy name."""
        return self._caller.rate_limits

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._caller.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        settings: Settings | None = getattr(self, "_settings", None)
        if settings is None:  # a traceback that shows variables shows a client refused its key
            return "<ActivitySmith not set up>"
        state = "disabled" if settings.disabled else settings.base_url
        return f"<ActivitySmith {state}, key from {settings.api_key_source or 'nowhere'}>"


class Caller:
    """Send a checked body and turn the answer into a record.

    Parameters
    ----------
    to : Destination or None
        None sends nothing.
    tell : callable
        Gets what the caller should hear about an answer, sentence by sentence.
    """

    def __init__(self, to: Destination | None, tell: Callable[[str], None] = say) -> None:
        self._to = to
        self._tell = tell
        self._opened: dict[Destination, Http] = {}

    def __call__(
        self,
        kind: type[_R],
        method: str,
        path: str,
        body: Mapping[str, Any],
        retry: Retry = _REPEATABLE,
    ) -> _R:
        if self._to is None:
            return kind(success=False, message="nothing was sent: ACTIVITYSMITH_DISABLED is set")
        result = kind.from_answer(
            self._http(self._to).request(method, path, body or None, retry=retry)
        )
        for notice in notices(result):
            self._tell(notice)
        return result

    def _http(self, to: Destination) -> Http:
        if to not in self._opened:
            from ._http import Http  # noqa: PLC0415  httpx is imported with the first request

            # Atomic: of threads that come here together, all take the same pool.
            self._opened.setdefault(
                to, Http(base_url=to.base_url, api_key=to.api_key, transport=to.transport)
            )
        return self._opened[to]

    @property
    def rate_limits(self) -> dict[str, RateLimit]:
        return {
            policy: limit
            for http in self._opened.values()
            for policy, limit in dict(http.rate_limits).items()
        }

    def close(self) -> None:
        for http in self._opened.values():
            http.close()


class Notifications:
    """Pushes."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller

    def send(
        self, request: Mapping[str, Any] | Push | None = None, /, **fields: Unpack[PushFields]
    ) -> PushResult:
        """Send a push.

        Parameters
        ----------
        request : mapping or Push, optional
            A whole push; keyword fields go over it.
        **fields
            ``title`` (required), ``message``, ``subtitle``, ``icon``, ``media``, ``redirection``,
            ``actions`` (up to 4), ``payload``, ``badge``, ``sound``, ``interruption_level``,
            ``tags``, ``metadata``, ``channels``.

        Raises
        ------
        PayloadError
            A field breaks a rule; nothing was sent.
        TransportError, APIError
            It did not arrive, or was refused. It is never sent twice.
        """
        body = _requests.push_body(request, **fields)
        return self._call(PushResult, "POST", "/push-notification", body, _ONCE)

    def replace(
        self,
        notification_id: str,
        request: Mapping[str, Any] | Push | None = None,
        /,
        **fields: Unpack[ReplaceFields],
    ) -> ReplaceResult:
        """Replace a push in place, silently, for its original recipients.

        Parameters
        ----------
        notification_id : str
            From the answer to `send`.
        request, **fields
            As for `send`, without ``channels``, ``sound`` and ``interruption_level``. What is
            left out is gone from the push; ``tags`` and ``metadata`` stay.
        """
        place = _segment(_requests.check_notification_id(notification_id))
        body = _requests.replace_body(request, **fields)
        return self._call(ReplaceResult, "PUT", f"/push-notification/{place}", body)


class LiveActivities:
    """Live Activities: managed streams (recommended) and the older manual calls."""

    TYPE_SEGMENTED_PROGRESS: Final = "segmented_progress"
    TYPE_PROGRESS: Final = "progress"
    TYPE_METRICS: Final = "metrics"
    TYPE_STATS: Final = "stats"
    TYPE_ALERT: Final = "alert"
    TYPE_TIMER: Final = "timer"
    TYPE_VALUE: Final = "value"

    def __init__(self, caller: Caller) -> None:
        self._call = caller

    def stream(
        self,
        stream_key: str,
        request: Mapping[str, Any] | State | None = None,
        /,
        **fields: Unpack[StreamFields],
    ) -> StreamResult:
        """Start the activity of a stream key, or update it.

        Parameters
        ----------
        stream_key : str
            1 to 255 letters, digits, ``_`` or ``-``.
        request : mapping or content state, optional
            A whole request body, or a content state alone.
        **fields
            ``content_state``, or its fields one by one, and ``action``, ``secondary_action``,
            ``alert``, ``channels``, ``tags``, ``metadata``.

        Raises
        ------
        PayloadError
            A field breaks a rule; nothing was sent.
        LiveActivityLimitError
            The phone shows as many as it can.
        """
        body = _requests.stream_body(request, **fields)
        return self._call(StreamResult, "PUT", _stream_path(stream_key), body)

    def end_stream(
        self,
        stream_key: str,
        request: Mapping[str, Any] | State | None = None,
        /,
        **fields: Unpack[StreamEndFields],
    ) -> StreamEndResult:
        """End the activity of a stream key, with last values if there are any.

        Parameters
        ----------
        stream_key : str
            As given to `stream`.
        request, **fields
            As for `stream`; ``auto_dismiss_seconds`` or ``auto_dismiss_minutes`` say how long the
            Lock Screen keeps it (0: not at all; seconds win; about 2 minutes by default).
        """
        body = _requests.stream_end_body(request, **fields)
        return self._call(StreamEndResult, "DELETE", _stream_path(stream_key), body)

    def start(
        self, request: Mapping[str, Any] | State | None = None, /, **fields: Unpack[StartFields]
    ) -> StartResult:
        """Start an activity by hand and return its ``activity_id``; `stream` is easier."""
        body = _requests.start_body(request, **fields)
        return self._call(StartResult, "POST", "/live-activity/start", body, _ONCE)

    def update(
        self, request: Mapping[str, Any] | State | None = None, /, **fields: Unpack[UpdateFields]
    ) -> UpdateResult:
        """Update the activity ``activity_id``."""
        body = _requests.update_body(request, **fields)
        return self._call(UpdateResult, "POST", "/live-activity/update", body)

    def end(
        self, request: Mapping[str, Any] | State | None = None, /, **fields: Unpack[EndFields]
    ) -> EndResult:
        """End the activity ``activity_id``."""
        body = _requests.end_body(request, **fields)
        return self._call(EndResult, "POST", "/live-activity/end", body)

    @staticmethod
    def metric(
        label: str, value: Any, *, unit: str | Unset = UNSET, color: str | Unset = UNSET
    ) -> Metric:
        """Return a metric, as the function `metric` does."""
        return metric(label, value, unit=unit, color=color)

    @staticmethod
    def alert_icon(symbol: str, *, color: str | Unset = UNSET) -> Icon:
        """Return an icon, as the function `alert_icon` does."""
        return alert_icon(symbol, color=color)

    @staticmethod
    def alert_badge(title: str, *, color: str | Unset = UNSET) -> Badge:
        """Return a badge, as the function `alert_badge` does."""
        return alert_badge(title, color=color)


class Metrics:
    """Values of Lock Screen widgets."""

    def __init__(self, caller: Caller) -> None:
        self._call = caller

    def update(
        self, key: str, value: float | str | Mapping[str, Any], timestamp: Any = UNSET
    ) -> MetricResult:
        """Set a widget metric that exists in the web app.

        Parameters
        ----------
        key : str
            1 to 64 characters: lower-case letters, digits, ``_``, ``.``, ``-``.
        value : float or str
            Finite, of either sign; or a text of 1 to 64 characters.
        timestamp : datetime or ISO 8601 str, optional
            When it was measured; the time of receipt when left out.
        """
        body = _requests.metric_body(key, value, timestamp)
        place = _segment(check_metric_key(key))
        return self._call(MetricResult, "POST", f"/metrics/{place}/value", body)


def _stream_path(stream_key: str) -> str:
    return f"/live-activity/stream/{_segment(check_stream_key(stream_key))}"


def _segment(text: str) -> str:
    """Percent-encode one segment of a path; ``.`` and ``..`` alone would be steps in it."""
    return "%2E" * len(text) if text in {".", ".."} else quote(text, safe="")


def metric(
    label: str, value: Any, *, unit: str | Unset = UNSET, color: str | Unset = UNSET
) -> Metric:
    """Return a metric of a stats or metrics activity.

    Parameters
    ----------
    label : str
        At least 1 character.
    value : float or str
        A number of 0 or more, or a text of 1 to 64 characters.
    unit : str, optional
        Shown behind a number, for example ``%``.
    color : str, optional
        One of the ten colours.
    """
    return Metric(label, value, unit=unit, color=color)


def action(
    title: str,
    type: str,  # noqa: A002  the service's own name of the field
    url: str,
    *,
    method: str | Unset = UNSET,
    body: Mapping[str, Any] | Unset = UNSET,
) -> Action:
    """Return a button.

    Parameters
    ----------
    title : str
        What the button says.
    type : {"open_url", "webhook"}
        Open a page, an app or a Shortcut; or have the service's backend call a URL.
    url : str
        For a webhook, https.
    method : {"GET", "POST"}, optional
        Webhook only.
    body : mapping, optional
        JSON object, webhook only.
    """
    return Action(title, type, url, method=method, body=body)


def alert_icon(symbol: str, *, color: str | Unset = UNSET) -> Icon:
    """Return an icon by its SF Symbol name."""
    return Icon(symbol, color=color)


def alert_badge(title: str, *, color: str | Unset = UNSET) -> Badge:
    """Return a badge: a short text in a pill."""
    return Badge(title, color=color)


def content_state(title: str, **fields: Any) -> dict[str, Any]:
    """Return a content state as a dict, as the service's documentation builds it.

    It is checked when it is used, since what has to be there depends on the call; for a checked
    record take `StatsState`, `ProgressState` and the others.
    """
    return {"title": title, **fields}
