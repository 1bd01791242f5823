"""Request rate limits: windows, headers, and the 429 that says how long to wait.

Choices: windows are fixed and begin with the first request in them; a refused request counts
unless it was refused for its rate; a request without a valid key counts nowhere.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs

from ._rules import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["QUOTAS", "RateLimits"]

WINDOW_SECONDS: Final = 60
IP_QUOTA: Final = 600
STRICT_QUOTA: Final = 60
QUOTAS: Final[Mapping[str, int]] = {
    "notifications": 60,
    "badges": 60,
    "live-activities": 300,
    "metrics": 300,
}


@attrs.define
class _Window:
    started_at: float
    used: int = 0

    def reset(self, now: float) -> int:
        """Return the whole seconds until it ends, at least 0."""
        return max(0, math.ceil(self.started_at + WINDOW_SECONDS - now))


class RateLimits:
    """The windows of one account."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], _Window] = {}

    def take(self, profile: str, bucket: str, ip: str, now: float) -> dict[str, str]:
        """Count one request and return the headers its answer carries.

        Parameters
        ----------
        profile : {"standard", "strict", "off"}
            Which rules hold.
        bucket : str
            One of `QUOTAS`.
        ip : str
            The client's address.
        now : float
            UNIX seconds.

        Raises
        ------
        Refused
            429 when a window is full, with the same headers and ``Retry-After``.
        """
        if profile == "off":
            return {}
        if profile == "strict":  # the older pages know neither buckets nor headers
            return self._spend([("", self._window("shared", "", now), STRICT_QUOTA)], now, {})
        quotas = [
            (f"public-api-ip:{bucket}", self._window(bucket, ip, now), IP_QUOTA),
            (f"account:{bucket}", self._window(bucket, "", now), QUOTAS[bucket]),
        ]
        policy = [f'"{name}"; q={quota}; w={WINDOW_SECONDS}' for name, _, quota in quotas]
        return self._spend(quotas, now, {"RateLimit-Policy": ", ".join(policy)})

    def _window(self, bucket: str, ip: str, now: float) -> _Window:
        window = self._windows.get((bucket, ip))
        if window is None or now >= window.started_at + WINDOW_SECONDS:
            window = self._windows[bucket, ip] = _Window(now)
        return window

    @staticmethod
    def _spend(
        quotas: list[tuple[str, _Window, int]], now: float, headers: dict[str, str]
    ) -> dict[str, str]:
        waits = [window.reset(now) for _, window, quota in quotas if window.used >= quota]
        if not waits:
            for _, window, _ in quotas:
                window.used += 1
        if headers:
            members = [
                f'"{name}"; r={quota - window.used}; t={window.reset(now)}'
                for name, window, quota in quotas
            ]
            headers = headers | {"RateLimit": ", ".join(members)}
        if waits:
            if headers:
                headers["Retry-After"] = str(max(waits))
            raise Refused(
                429,
                "Rate limit exceeded",
                "Too many requests; wait for the window to end",
                code="rate_limited",
                headers=headers,
            )
        return headers
