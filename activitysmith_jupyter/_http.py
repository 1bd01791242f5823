"""The only module that imports httpx: one request in, one JSON answer or one of our errors out.

What is retried (sources: the service's rate-limit page; HTTP semantics):

* an idempotent request (PUT, DELETE, and the POSTs that set a value) after connection failures,
  time-outs, 5xx and a request-rate 429;
* a push only where it cannot have been delivered: no connection was made, 429, 503;
* never anything else. ``Retry-After`` decides the wait where the answer carries one; one that
  is longer than anybody would wait for a call is left to the caller.

Redirects are never followed: the key goes to the host that the user named and to no other.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

import attrs
import httpx

from . import __version__
from ._secret import HOW_TO_SET_A_KEY
from .exceptions import (
    ActivitySmithError,
    APIError,
    AuthenticationError,
    BadgeUpdateError,
    BadRequestError,
    BillingBlockedError,
    ConflictError,
    ConnectionFailedError,
    DeliveryTimeoutError,
    ForbiddenError,
    InvalidResponseError,
    LiveActivityLimitError,
    MissingAPIKeyError,
    NoRecipientsError,
    NotFoundError,
    RateLimitError,
    ServerError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from ._delivery import Retry
    from ._secret import Secret

__all__ = ["Http", "RateLimit"]

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 10.0
# A server that sends one byte every nine seconds would pass the read time-out for ever.
ANSWER_SECONDS: Final = 20.0
MAX_ANSWER_BYTES: Final = 1 << 20
RETRY_SECONDS: Final = 45.0

_IDENTITY: Final = {
    "Accept": "application/json",
    "User-Agent": f"activitysmith-jupyter/{__version__}",
    "X-ActivitySmith-SDK": f"jupyter-v{__version__}",
}

_TOO_MANY: Final = 429
# Filters are asked by the logger that is written to, not by those above it.
_TALKERS: Final = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "proxy")))


@attrs.frozen
class RateLimit:
    """One member of the ``RateLimit`` header: what is left of a quota.

    Attributes
    ----------
    policy : str
        For example ``account:live-activities``.
    remaining : int
        Requests left in this window.
    reset_seconds : float
        Seconds until the window starts again.
    """

    policy: str
    remaining: int
    reset_seconds: float


# Whether this thread is sending a request of ours.
_sending = threading.local()


_httpx_log: Final = logging.getLogger("httpx")


def _is_wanted(_: logging.LogRecord) -> bool:
    return not getattr(_sending, "ours", False) or _httpx_log.isEnabledFor(logging.DEBUG)


# httpx logs each request as INFO. Under papermill, and wherever a notebook logs at that level, our
# background thread would write a line for every update. Who looks for a fault sees them.
_httpx_log.addFilter(_is_wanted)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep httpx from logging what this thread sends; nobody else's requests are concerned."""
    _sending.ours = True
    try:
        yield
    finally:
        _sending.ours = False


class _BearerAuth(httpx.Auth):
    """Put the key on the request as it leaves, so that it is in no client's default headers."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request


@attrs.frozen(repr=False)
class _Answer:
    """What came back, and no way to the request, whose headers have the key.

    It shows nothing of itself: a server may echo the key.
    """

    status: int
    is_redirect: bool
    headers: httpx.Headers
    content: bytes


class Http:
    """A thread-safe connection pool to one base URL.

    Parameters
    ----------
    base_url : str
        Checked, without a trailing slash.
    api_key : Secret
        Sent as a bearer token, shown to nobody.
    transport : httpx.BaseTransport, optional
        Replaces the network, for example ``httpx.WSGITransport(app=emulator.app)``.

    Raises
    ------
    MissingAPIKeyError
        The key is empty: it came from another process.
    """

    def __init__(
        self, *, base_url: str, api_key: Secret, transport: httpx.BaseTransport | None = None
    ) -> None:
        if not api_key:
            raise MissingAPIKeyError(f"No API key goes to another process. {HOW_TO_SET_A_KEY}")
        self._base_url = base_url
        self._key = api_key
        self._transport = transport
        self._client: httpx.Client | None = None
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self.rate_limits: dict[str, RateLimit] = {}
        _in_use.add(self)

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        retry: Retry,
        timeout_seconds: float | None = None,
    ) -> dict[str, Any]:
        """Send one request and return the decoded JSON object of a 200 answer.

        Parameters
        ----------
        method, path : str
            ``path`` starts with a slash and is percent-encoded already.
        body : mapping, optional
            JSON-ready; None sends no body.
        retry : Retry
            Whether the request may be sent again.
        timeout_seconds : float, optional
            An upper bound for connecting and reading, for a flush that has little time left.

        Raises
        ------
        TransportError, APIError
            As the error tree in `exceptions` says.
        """
        if retry.attempts == 1:
            return self._once(method, path, body, timeout_seconds)
        import stamina  # noqa: PLC0415  60 ms that only a direct call needs

        # Without it, each retry is a line on stderr wherever logging is not set up.
        logging.getLogger("stamina").addFilter(_is_not_ours)

        @stamina.retry(
            on=lambda error: _bounded(retry.wait(error)),
            attempts=retry.attempts,
            timeout=RETRY_SECONDS,
        )
        def send() -> dict[str, Any]:
            return self._once(method, path, body, timeout_seconds)

        return send()

    def close(self) -> None:
        """Close the pool; a later request opens a new one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @property
    def key(self) -> Secret:
        """The key it sends."""
        return self._key

    def _pool(self) -> httpx.Client:
        if self._pid != os.getpid():
            # After a fork: the parent's sockets and its lock are not ours to use or to close.
            self._pid, self._lock, self._client = os.getpid(), threading.Lock(), None
        with self._lock:
            if self._client is None:
                _filter_logs()
                self._client = httpx.Client(
                    headers=_IDENTITY,
                    auth=_BearerAuth(self._key),
                    transport=self._transport,
                    follow_redirects=False,
                    # Plain http is for this machine only: it must not pass a proxy elsewhere.
                    trust_env=not self._base_url.startswith("http:"),
                )
            return self._client

    def _usable_pool(self) -> httpx.Client:
        """Open the pool, where the proxies and certificates that the environment names allow it."""
        try:
            return self._pool()
        except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
            reason = type(error).__name__  # its text may name a proxy's password
        raise ConnectionFailedError(
            f"No connection to {self._base_url}: the proxy or certificate settings of the "
            f"environment cannot be used ({reason}). Check HTTPS_PROXY, ALL_PROXY, NO_PROXY, "
            "SSL_CERT_FILE and SSL_CERT_DIR; a SOCKS proxy needs `pip install httpx[socks]`"
        )

    def _once(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        timeout_seconds: float | None,
    ) -> dict[str, Any]:
        content = None if body is None else _encode(body)
        deadline = time.monotonic() + (timeout_seconds or ANSWER_SECONDS)
        timeout = httpx.Timeout(
            min(READ_SECONDS, timeout_seconds or READ_SECONDS),
            connect=min(CONNECT_SECONDS, timeout_seconds or CONNECT_SECONDS),
        )
        pool = self._usable_pool()
        failure: ActivitySmithError
        # The error is raised outside the except block: a chained httpx error would carry frames
        # whose variables hold the Authorization header, and tracebacks can show variables.
        try:
            answer = _exchange(pool, method, self._base_url + path, content, timeout, deadline)
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            failure = ConnectionFailedError(
                f"No connection to {self._base_url} within {timeout.connect:g} s"
            )
        except (httpx.TimeoutException, TimeoutError):
            failure = DeliveryTimeoutError(
                f"{method} {self._base_url}{path}: no answer within {timeout.read:g} s; "
                "it may or may not have arrived"
            )
        except httpx.ConnectError as error:
            failure = ConnectionFailedError(
                f"No connection to {self._base_url}: {self._key.scrub(str(error))}"
            )
        except (httpx.HTTPError, OSError) as error:  # OSError: from a transport of the caller's
            failure = ConnectionFailedError(
                f"{method} {self._base_url}{path}: the connection broke "
                f"({self._key.scrub(str(error)) or type(error).__name__}); "
                "it may or may not have arrived",
                may_have_arrived=True,
            )
        except RuntimeError as error:
            if not pool.is_closed:
                raise error.with_traceback(None) from None
            failure = ConnectionFailedError(  # httpx's word for what another thread just did
                f"{method} {self._base_url}{path}: the client was closed meanwhile; "
                "it may or may not have arrived",
                may_have_arrived=True,
            )
        except BaseException as error:  # noqa: BLE001  goes on, only without the frames below
            # An interrupt in the middle of the write, say: those hold the header, too.
            raise error.with_traceback(None) from None
        else:
            outcome = self._outcome(method, path, answer)
            if isinstance(outcome, dict):
                return outcome
            failure = outcome
        raise failure

    def _outcome(
        self, method: str, path: str, answer: _Answer | TransportError
    ) -> dict[str, Any] | ActivitySmithError:
        if isinstance(answer, TransportError):
            return answer
        status, headers = answer.status, answer.headers
        self._remember_limits(headers)
        if answer.is_redirect:
            return InvalidResponseError(
                f"{self._base_url}{path} answered {status} and points to "
                f"{_host_of(self._key.scrub(headers.get('location', '')))!r}; "
                "redirects are not followed, so that the key stays here. Check base_url"
            )
        body: Any = None
        with suppress(ValueError, RecursionError):
            body = _scrubbed(json.loads(answer.content), self._key)
        if not httpx.codes.is_success(status):
            return _api_error(status, body, headers, path)
        if not isinstance(body, dict):
            return InvalidResponseError(
                f"{method} {self._base_url}{path} answered {status} without a JSON object "
                f"({self._key.scrub(headers.get('content-type', 'no content type'))}); "
                "check base_url"
            )
        return body

    def _remember_limits(self, headers: httpx.Headers) -> None:
        for limit in parse_rate_limit(self._key.scrub(headers.get("ratelimit", ""))):
            self.rate_limits[limit.policy] = limit


_in_use: Final[WeakSet[Http]] = WeakSet()


def _keys_in_use() -> set[Secret]:
    while True:
        try:
            return {http.key for http in _in_use}
        except RuntimeError:  # another thread has just made a client
            continue


def _filter_logs() -> None:
    """Keep out of the log what a server or proxy echoes: httpcore logs the headers of answers."""
    for name in _TALKERS:
        logging.getLogger(name).addFilter(_scrub_record)  # once: it knows its filters


def _scrub_record(record: logging.LogRecord) -> bool:
    said = scrubbed = record.getMessage()
    for key in _keys_in_use():
        scrubbed = key.scrub(scrubbed)
    if scrubbed != said:
        record.msg, record.args = scrubbed, ()
    return True


def _bounded(wait: bool | float) -> bool | float:  # noqa: FBT001  both mean how to go on
    """Give up at once where the server names a time longer than all retries may take."""
    return wait if wait <= RETRY_SECONDS else False


def _is_not_ours(record: logging.LogRecord) -> bool:
    """Tell whether a record of stamina's is about somebody else's retry."""
    return not str(getattr(record, "stamina.callable", "")).startswith(f"{__name__}.")


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def _exchange(  # noqa: PLR0913, PLR0917  the parts of a request
    pool: httpx.Client,
    method: str,
    url: str,
    content: bytes | None,
    timeout: httpx.Timeout,
    deadline: float,
) -> _Answer | TransportError:
    """Send a request and read its answer; a frame of its own, so that no other knows the request.

    Who enters the debugger finds the Authorization header behind a response.
    """
    headers = None if content is None else {"Content-Type": "application/json"}
    with (
        _unlogged(),
        pool.stream(method, url, content=content, headers=headers, timeout=timeout) as response,
    ):
        return _read(response, deadline)


def _read(response: httpx.Response, deadline: float) -> _Answer | TransportError:
    """Read an answer, or return why not: raised here, a traceback could show what it says."""
    content = bytearray()
    for part in response.iter_bytes():
        content += part
        if len(content) > MAX_ANSWER_BYTES:
            return InvalidResponseError(
                f"the answer is larger than {MAX_ANSWER_BYTES} bytes; check base_url"
            )
        if time.monotonic() > deadline:
            return DeliveryTimeoutError(
                "the answer dribbles in too slowly; the request may have arrived"
            )
    return _Answer(response.status_code, response.is_redirect, response.headers, bytes(content))


_LIMIT_MEMBER = re.compile(r'"([^"]*)"((?:\s*;\s*[a-z]+=\d+)*)')


def parse_rate_limit(header: str) -> Iterable[RateLimit]:
    """Yield the members of a ``RateLimit`` header (IETF draft 8); skip what cannot be read."""
    for policy, parameters in _LIMIT_MEMBER.findall(header):
        numbers = {
            name: int(value) for name, value in re.findall(r"([a-z]+)=(\d{1,9})", parameters)
        }
        if "r" in numbers:
            yield RateLimit(policy, numbers["r"], float(numbers.get("t", 0)))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "").strip()
    return float(text) if re.fullmatch(r"\d{1,6}(\.\d+)?", text) else None


def _host_of(url: str) -> str:
    try:
        return httpx.URL(url).host or url[:80]
    except (httpx.InvalidURL, TypeError):
        return "an unreadable address"


def _scrubbed(body: Any, key: Secret) -> Any:
    """Return the answer without the key, should a server or proxy have echoed it."""
    if isinstance(body, str):
        return key.scrub(body)
    if isinstance(body, dict):
        return {key.scrub(str(name)): _scrubbed(member, key) for name, member in body.items()}
    if isinstance(body, list):
        return [_scrubbed(member, key) for member in body]
    return body


def _api_error(status: int, body: Any, headers: Mapping[str, str], path: str) -> APIError:
    members: Mapping[str, Any] = body if isinstance(body, dict) else {}
    error = members.get("error")
    message = members.get("message")
    error = error if isinstance(error, str) and error else _NAMES.get(status, "unexpected answer")
    kind = _kind(status, members, error, path)
    hint = _HINTS.get(kind, "")
    if isinstance(members.get("upgrade_url"), str):
        hint = f"Upgrade at {members['upgrade_url']}"
    return kind(
        status,
        error,
        message if isinstance(message, str) else "",
        body=body,
        hint=hint,
        retry_after_seconds=_retry_after(headers),
    )


def _kind(status: int, members: Mapping[str, Any], error: str, path: str) -> type[APIError]:
    if status == _TOO_MANY:
        capacity = isinstance(members.get("limit"), int) and isinstance(members.get("active"), int)
        return LiveActivityLimitError if capacity else RateLimitError
    if path == "/badge" and "code" in members and status in {422, 502}:
        return BadgeUpdateError
    # Older servers answer 404 where newer ones say 422.
    if error == "No recipients found":
        return NoRecipientsError
    if status in _KINDS:
        return _KINDS[status]
    return ServerError if status >= 500 else APIError  # noqa: PLR2004  HTTP's own boundary


_KINDS: Final[Mapping[int, type[APIError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: BillingBlockedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: NoRecipientsError,
}

# For answers without a body of the documented shape (the 401 and 5xx bodies are not documented).
_NAMES: Final[Mapping[int, str]] = {
    400: "bad request",
    401: "the API key was not accepted",
    402: "billing blocked",
    403: "forbidden",
    404: "not found",
    409: "conflict",
    422: "no recipients",
    429: "rate limit exceeded",
}

_HINTS: Final[Mapping[type[APIError], str]] = {
    AuthenticationError: f"Check the key. {HOW_TO_SET_A_KEY}",
    ForbiddenError: "Check which channels this key may use, in the web app under API keys",
    NoRecipientsError: "Pair an iPhone in the ActivitySmith app, or check the channels",
    LiveActivityLimitError: "End a Live Activity on the phone, or wait until one ends",
    RateLimitError: "Send less often: the service counts requests by the minute",
}
