"""The service as one pure function: a request and its moment in, an answer out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from . import _rules
from ._limits import RateLimits
from ._rules import Refused
from ._state import Account

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._settings import Settings
    from ._state import Caller

__all__ = ["Answer", "Service"]

# Longer paths first: the rest of the path is the endpoint's argument, slashes included, so that a
# percent-encoded slash in a key meets the key's own rule.
_ROUTES: Final = (
    ("/push-notification/", {"PUT": "replace"}),
    ("/push-notification", {"POST": "push"}),
    ("/live-activity/stream/", {"PUT": "stream", "DELETE": "end_stream"}),
    ("/live-activity/start", {"POST": "start"}),
    ("/live-activity/update", {"POST": "update"}),
    ("/live-activity/end", {"POST": "end"}),
    ("/badge", {"POST": "badge"}),
)
_METRIC_PATH: Final = re.compile(r"/metrics/(.+)/value", re.DOTALL)
_BUCKETS: Final = {
    "push": "notifications",
    "replace": "notifications",  # not documented: the natural reading
    "metric": "metrics",
    "badge": "badges",
}


@attrs.frozen
class Answer:
    """What the service answers: HTTP status, JSON body, further headers."""

    status: int
    body: Any
    headers: dict[str, str] = attrs.field(factory=dict)


class Service:
    """The API of one account: keys, rate limits and state.

    Order of the checks (choice): key, path, rate, JSON and schema, then the account's own.

    Parameters
    ----------
    settings : Settings
        The account's choices.
    api_key : str
        The main key, confined to ``settings.channels`` if those are given.
    started_at : float
        UNIX seconds.
    new_id : callable
        Gives a new opaque id.
    revision : int
        Where the account's revision starts.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        api_key: str,
        started_at: float,
        new_id: Callable[[], str],
        revision: int = 0,
    ) -> None:
        self.account = Account(settings, started_at=started_at, new_id=new_id, revision=revision)
        self._limits = RateLimits()
        self._api_key = api_key
        self._further_keys: dict[str, Caller] = {}

    def add_key(self, key: str, channels: Caller) -> None:
        """Accept one more key, confined to `channels` unless None."""
        self._further_keys[key] = channels

    def answer(  # noqa: PLR0913  the parts of an HTTP request
        self,
        method: str,
        path: str,
        *,
        authorization: str | None,
        body: bytes,
        ip: str,
        now: float,
    ) -> Answer:
        """Answer one request.

        Parameters
        ----------
        method : str
            HTTP method.
        path : str
            Percent-decoded path below the base path, ``/badge`` for example.
        authorization : str or None
            The ``Authorization`` header.
        body : bytes
            The request body, possibly empty.
        ip : str
            The client's address.
        now : float
            UNIX seconds.
        """
        headers: dict[str, str] = {}
        self.account.advance(now)
        try:
            caller = self._caller(authorization)
            endpoint, argument = _route(method, path)
            bucket = _BUCKETS.get(endpoint, "live-activities")
            headers = self._limits.take(self.account.settings.rate_limits, bucket, ip, now)
            return Answer(200, self._perform(endpoint, argument, body, caller, now), headers)
        except Refused as refused:
            if refused.status == 402:  # noqa: PLR2004  documented to carry no rate headers
                headers = {}
            return Answer(refused.status, refused.body, headers | refused.headers)

    def _caller(self, authorization: str | None) -> Caller:
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() == "bearer" and key in self._further_keys:
            return self._further_keys[key]
        if scheme.lower() != "bearer" or key != self._api_key:
            raise Refused(401, "Unauthorized", "Missing or invalid API key")  # body: choice
        channels = self.account.settings.channels
        return None if channels is None else frozenset(channels)

    def _perform(
        self, endpoint: str, argument: str, raw: bytes, caller: Caller, now: float
    ) -> dict[str, Any]:
        if endpoint in ("stream", "end_stream"):
            _rules.check_stream_key(argument)
        if endpoint == "metric":
            _rules.check_metric_key(argument)
        body = _rules.check_request(endpoint, _rules.decode(raw))
        account = self.account
        if endpoint == "metric":
            return account.metric(argument, body, now)
        if endpoint == "replace":
            return account.replace(argument, body, caller, now)
        if endpoint == "stream":
            return account.stream(argument, body, caller, now)
        if endpoint == "end_stream":
            return account.end_stream(argument, body, caller, now)
        plain = {
            "push": account.push,
            "badge": account.badge,
            "start": account.start,
            "update": account.update,
            "end": account.end,
        }
        return plain[endpoint](body, caller, now)


def _route(method: str, path: str) -> tuple[str, str]:
    """Return the endpoint and its argument; an unknown path is 404, a wrong method 405 (choice)."""
    matched = _METRIC_PATH.fullmatch(path)
    methods, argument = ({"POST": "metric"}, matched[1]) if matched else ({}, "")
    for start, candidates in _ROUTES:
        below = start.endswith("/") and path.startswith(start)
        if not methods and (below or path == start):
            methods, argument = candidates, path[len(start) :]
    # An empty argument is no address: PUT /live-activity/stream/ names no stream.
    if not methods or (not argument and path.endswith("/")):
        raise Refused(404, "Not found", "No such endpoint")
    if method not in methods:
        raise Refused(
            405,
            "Method not allowed",
            "This endpoint has other methods",
            headers={"Allow": ", ".join(methods)},
        )
    return methods[method], argument
