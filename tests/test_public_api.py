from __future__ import annotations

import types

import pytest

import activitysmith_jupyter

PUBLIC = [
    "APIError",
    "Action",
    "Activity",
    "ActivitySmith",
    "ActivitySmithError",
    "ActivitySmithWarning",
    "AlertState",
    "AlertText",
    "AuthenticationError",
    "BadRequestError",
    "Badge",
    "BadgeUpdateError",
    "BillingBlockedError",
    "Composer",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "DeliveryTimeoutError",
    "ForbiddenError",
    "Icon",
    "InvalidResponseError",
    "LiveActivityColor",
    "LiveActivityLimitError",
    "Metric",
    "MetricsState",
    "MissingAPIKeyError",
    "NoRecipientsError",
    "NotFoundError",
    "PartialState",
    "PayloadError",
    "Phone",
    "ProgressState",
    "Push",
    "PushInterruptionLevel",
    "RateLimitError",
    "SegmentedProgressState",
    "ServerError",
    "StatsState",
    "TimerState",
    "TransportError",
    "ValueState",
    "__version__",
    "action",
    "alert_badge",
    "alert_icon",
    "configure",
    "content_state",
    "kpis",
    "load_ipython_extension",
    "metric",
    "mirror",
    "notify",
    "tqdm",
    "trange",
    "unload_ipython_extension",
]


def test_public_names_are_exactly_those_promised():
    """A name that comes or goes does so here first."""
    assert sorted(activitysmith_jupyter.__all__) == PUBLIC


def test_dir_shows_the_public_names_and_nothing_else():
    """Tab completion offers what is promised, whatever has been loaded."""
    assert dir(activitysmith_jupyter) == PUBLIC


@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "__version__"])
def test_public_name_resolves_to_something_documented(name):
    """Every promised name is there, is no module, and says what it is."""
    value = getattr(activitysmith_jupyter, name)
    assert not isinstance(value, types.ModuleType)
    assert value.__doc__
    assert getattr(activitysmith_jupyter, name) is value


def test_public_name_that_does_not_exist_raises_attribute_error():
    """A typing error is an error, with both names in it."""
    with pytest.raises(AttributeError, match=r"'activitysmith_jupyter'.*'Activty'"):
        activitysmith_jupyter.Activty  # noqa: B018  the look-up is the test


def test_version_is_that_of_the_package_metadata():
    """One version, wherever one looks."""
    from pathlib import Path

    metadata = Path(activitysmith_jupyter.__file__).parent.parent / "pyproject.toml"
    if metadata.exists():
        version = f'version = "{activitysmith_jupyter.__version__}"'
        assert version in metadata.read_text(encoding="utf-8")


def test_star_import_brings_the_public_names():
    """``from activitysmith_jupyter import *`` works in a notebook."""
    names: dict[str, object] = {}
    exec("from activitysmith_jupyter import *", names)  # noqa: S102  the statement is the test
    assert set(PUBLIC) <= set(names)
