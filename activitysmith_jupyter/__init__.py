"""Walk away from a long-running notebook: its truth on your iPhone's Lock Screen.

Three lines are the whole of it::

    from activitysmith_jupyter import tqdm

    for batch in tqdm(loader, desc="Training"):
        ...

Importing this package reads no environment, opens nothing, starts nothing, and loads neither httpx
nor pandas, IPython or ipywidgets: every name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from .frames._accessors import register_accessors as _register_accessors

if TYPE_CHECKING:
    from ._notify import notify as notify
    from ._parts import (
        Action as Action,
        AlertText as AlertText,
        Badge as Badge,
        Icon as Icon,
        Metric as Metric,
    )
    from ._payloads import (
        LiveActivityColor as LiveActivityColor,
        Push as Push,
        PushInterruptionLevel as PushInterruptionLevel,
    )
    from ._settings import (
        configure as configure,
    )
    from ._states import (
        AlertState as AlertState,
        MetricsState as MetricsState,
        PartialState as PartialState,
        ProgressState as ProgressState,
        SegmentedProgressState as SegmentedProgressState,
        StatsState as StatsState,
        TimerState as TimerState,
        ValueState as ValueState,
    )
    from .activity import (
        Activity as Activity,
    )
    from .bar import (
        tqdm as tqdm,
        trange as trange,
    )
    from .client import (
        ActivitySmith as ActivitySmith,
        action as action,
        alert_badge as alert_badge,
        alert_icon as alert_icon,
        content_state as content_state,
        metric as metric,
    )
    from .composer import Composer as Composer
    from .exceptions import (
        ActivitySmithError as ActivitySmithError,
        ActivitySmithWarning as ActivitySmithWarning,
        APIError as APIError,
        AuthenticationError as AuthenticationError,
        BadgeUpdateError as BadgeUpdateError,
        BadRequestError as BadRequestError,
        BillingBlockedError as BillingBlockedError,
        ConfigurationError as ConfigurationError,
        ConflictError as ConflictError,
        ConnectionFailedError as ConnectionFailedError,
        DeliveryTimeoutError as DeliveryTimeoutError,
        ForbiddenError as ForbiddenError,
        InvalidResponseError as InvalidResponseError,
        LiveActivityLimitError as LiveActivityLimitError,
        MissingAPIKeyError as MissingAPIKeyError,
        NoRecipientsError as NoRecipientsError,
        NotFoundError as NotFoundError,
        PayloadError as PayloadError,
        RateLimitError as RateLimitError,
        ServerError as ServerError,
        TransportError as TransportError,
    )
    from .frames import kpis as kpis
    from .magics import (
        load_ipython_extension as load_ipython_extension,
        unload_ipython_extension as unload_ipython_extension,
    )
    from .mirroring import (
        mirror as mirror,
    )
    from .phone import Phone as Phone

__version__ = "0.1.0"

_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "activity": ("Activity",),
    "bar": ("tqdm", "trange"),
    "client": ("ActivitySmith", "action", "alert_badge", "alert_icon", "content_state", "metric"),
    "composer": ("Composer",),
    "frames": ("kpis",),
    "mirroring": ("mirror",),
    "magics": ("load_ipython_extension", "unload_ipython_extension"),
    "_notify": ("notify",),
    "phone": ("Phone",),
    "_parts": ("Action", "AlertText", "Badge", "Icon", "Metric"),
    "_payloads": ("LiveActivityColor", "Push", "PushInterruptionLevel"),
    "_settings": ("configure",),
    "_states": (
        "AlertState",
        "MetricsState",
        "PartialState",
        "ProgressState",
        "SegmentedProgressState",
        "StatsState",
        "TimerState",
        "ValueState",
    ),
    "exceptions": (
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
    ),
}
_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604, RUF100  listed through _HOMES, one place for each name
    "__version__",
    *sorted(_HOME_OF),
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


# ``df.activity`` is there as soon as pandas or polars is, before or after us; neither is loaded.
_register_accessors()
