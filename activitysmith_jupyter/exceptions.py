"""The one error vocabulary of the package.

::

    ActivitySmithError
    ├── ConfigurationError (ValueError)      a setting is wrong
    │   └── MissingAPIKeyError               no key anywhere
    ├── PayloadError (ValueError)            a field breaks the service's contract; nothing was sent
    ├── TransportError                       no usable answer
    │   ├── ConnectionFailedError            nobody there: refused, DNS, TLS, reset
    │   ├── DeliveryTimeoutError             no answer in time; it may or may not have arrived
    │   └── InvalidResponseError             an answer that is not the service's
    └── APIError                             the service said no
        ├── BadRequestError            400
        ├── AuthenticationError        401
        ├── BillingBlockedError        402   upgrade_url
        ├── ForbiddenError             403
        ├── NotFoundError              404
        ├── ConflictError              409
        ├── NoRecipientsError          422   (and 404 with the same words, as older servers say it)
        ├── BadgeUpdateError           422, 502 on the badge endpoint
        ├── RateLimitError             429   retry_after_seconds
        ├── LiveActivityLimitError     429   limit, active
        └── ServerError                5xx

    ActivitySmithWarning (UserWarning)       worth knowing, nothing failed

No error of httpx leaves the package and no message contains the API key.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "APIError",
    "ActivitySmithError",
    "ActivitySmithWarning",
    "AuthenticationError",
    "BadRequestError",
    "BadgeUpdateError",
    "BillingBlockedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "DeliveryTimeoutError",
    "ForbiddenError",
    "InvalidResponseError",
    "LiveActivityLimitError",
    "MissingAPIKeyError",
    "NoRecipientsError",
    "NotFoundError",
    "PayloadError",
    "RateLimitError",
    "ServerError",
    "TransportError",
]


class ActivitySmithWarning(UserWarning):
    """Something worth knowing happened, and nothing failed."""


class ActivitySmithError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigurationError(ActivitySmithError, ValueError):
    """A setting, argument or environment variable cannot be used as it is."""


class MissingAPIKeyError(ConfigurationError):
    """No API key was given, configured, exported or stored."""


class PayloadError(ActivitySmithError, ValueError):
    """A field breaks the service's contract; nothing was sent.

    Parameters
    ----------
    field : str
        Where: the field's path as the API spells it, for example ``metrics[2].value``.
    value : object
        What was given.
    rule : str
        What the contract says, as a sentence fragment: ``must be between 0 and 100``.
    hint : str, default ""
        What to do about it.
    """

    def __init__(self, field: str, value: object, rule: str, hint: str = "") -> None:
        self.field = field
        self.value = value
        self.rule = rule
        self.hint = hint
        message = f"{field}={brief(value)}: {rule}"
        super().__init__(f"{message}. {hint}" if hint else message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.field, self.value, self.rule, self.hint)


class TransportError(ActivitySmithError):
    """The service gave no usable answer."""


class ConnectionFailedError(TransportError):
    """No connection: refused, reset, unknown host, or TLS failed.

    Parameters
    ----------
    message : str
        What happened.
    may_have_arrived : bool, default False
        True when the connection broke after the request had begun to leave.
    """

    def __init__(self, message: str, *, may_have_arrived: bool = False) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class DeliveryTimeoutError(TransportError):
    """No answer in time; the request may or may not have arrived."""


class InvalidResponseError(TransportError):
    """Somebody answered, but not as the service does."""


class APIError(ActivitySmithError):
    """The service refused the request.

    Parameters
    ----------
    status : int
        HTTP status.
    error : str
        The service's short ``error`` text.
    message : str
        The service's longer ``message``; empty when it sent none.
    body : object
        The whole decoded answer, or None.
    hint : str, default ""
        What to do about it, in our words.
    retry_after_seconds : float or None
        The ``Retry-After`` header in seconds, where the answer carried one.
    """

    def __init__(  # noqa: PLR0913  a record of one answer
        self,
        status: int,
        error: str,
        message: str = "",
        *,
        body: Any = None,
        hint: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        self.status = status
        self.error = error
        self.message = message
        self.body = body
        self.hint = hint
        self.retry_after_seconds = retry_after_seconds
        said = f"{error}: {message}" if message and message != error else error
        super().__init__(f"{status} {said}. {hint}" if hint else f"{status} {said}")

    @property
    def code(self) -> str | None:
        """The machine-readable ``code`` of the answer, where it has one."""
        return self._text("code")

    def _member(self, name: str) -> Any:
        return self.body.get(name) if isinstance(self.body, dict) else None

    def _text(self, name: str) -> str | None:
        member = self._member(name)
        return member if isinstance(member, str) else None

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_api_error, (
            type(self),
            self.status,
            self.error,
            self.message,
            self.body,
            self.hint,
            self.retry_after_seconds,
        )


class BadRequestError(APIError):
    """400: the request breaks a rule that only the service could check."""


class AuthenticationError(APIError):
    """401: the API key is missing, mistyped or revoked."""


class BillingBlockedError(APIError):
    """402: the trial or the plan's cap is used up."""

    @property
    def upgrade_url(self) -> str | None:
        """Where the account can be upgraded."""
        return self._text("upgrade_url")

    @property
    def trial_period(self) -> dict[str, str] | None:
        """``started_at`` and ``ends_at`` of the trial, where the service says them."""
        period = self._member("trial_period")
        return period if isinstance(period, dict) else None


class ForbiddenError(APIError):
    """403: the key may not do that, for example use a channel it does not own."""


class NotFoundError(APIError):
    """404: no such stream, notification or widget metric."""


class ConflictError(APIError):
    """409: the notification cannot be replaced now."""


class NoRecipientsError(APIError):
    """422: no paired device is behind the target."""


class BadgeUpdateError(APIError):
    """422 or 502 on the badge endpoint: a device must reconnect, or the update failed."""


class RateLimitError(APIError):
    """429: too many requests in this minute."""


class LiveActivityLimitError(APIError):
    """429: the devices show as many Live Activities as iOS allows."""

    @property
    def limit(self) -> int:
        """How many Live Activities a device may show."""
        return int(self._member("limit"))

    @property
    def active(self) -> int:
        """How many are shown now, on the fullest targeted device."""
        return int(self._member("active"))


class ServerError(APIError):
    """5xx: a fault on the service's side."""


def _rebuild_api_error(  # noqa: PLR0913, PLR0917  mirrors the constructor
    cls: type[APIError],
    status: int,
    error: str,
    message: str,
    body: Any,
    hint: str,
    retry_after_seconds: float | None,
) -> APIError:
    return cls(
        status,
        error,
        message,
        body=body,
        hint=hint,
        retry_after_seconds=retry_after_seconds,
    )


def brief(value: object, limit: int = 80) -> str:
    """Return a value's repr for a message, cut to `limit` characters; a broken one is no error."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  a user's broken __repr__ must not hide the message
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
