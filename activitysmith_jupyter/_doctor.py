"""What stands between this process and the phone, checked one by one."""

from __future__ import annotations

import importlib.util
import os
import platform
import socket
import ssl
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ._place import ipython_shell, place_name
from ._roles import silence_reason
from ._runtime import runtime
from ._secret import HOW_TO_SET_A_KEY
from ._settings import resolve
from ._sheet import Row, Sheet
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from ._settings import Settings

__all__ = ["doctor", "settings_rows"]

_CONNECT_SECONDS: Final = 3.0
_PACKAGES: Final = ("ipython", "ipykernel", "ipywidgets", "tqdm", "httpx")
_PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def doctor() -> Sheet:
    """Check the key, the network and the notebook; sends no push and never shows the key."""
    rows = _about_versions()
    try:
        settings = resolve()
    except ConfigurationError as error:
        rows.append(Row("Settings", "cannot be used", "bad", str(error)))
        return Sheet("ActivitySmith doctor", rows)
    rows += settings_rows(settings)
    rows += [_about_key_store(), *_about_network(settings), _about_role(), _about_place()]
    rows += [Row("Last problem", text, "note") for text in runtime().courier.problems]
    return Sheet("ActivitySmith doctor", rows)


def settings_rows(settings: Settings) -> list[Row]:
    """Return where the key was found and where requests go."""
    rows = []
    if settings.disabled:
        rows.append(Row("Disabled", "nothing is sent", "note", "unset ACTIVITYSMITH_DISABLED"))
    if settings.api_key is None:
        rows.append(Row("API key", "none found", "bad", HOW_TO_SET_A_KEY))
    else:
        rows.append(Row("API key", f"found in {settings.api_key_source}", "ok"))
    rows.append(Row("Server", settings.base_url, "ok"))
    channels = ", ".join(settings.channels) if settings.channels else "everyone the key may reach"
    rows.append(Row("Recipients", channels, "ok"))
    return rows


def _about_versions() -> list[Row]:
    rows = [Row("Python", f"{platform.python_version()} on {platform.system()}", "ok")]
    for name in _PACKAGES:
        try:
            rows.append(Row(name, version(name), "ok"))
        except PackageNotFoundError:
            rows.append(Row(name, "not installed", "note"))
    return rows


def _about_key_store() -> Row:
    if importlib.util.find_spec("keyring") is None:
        return Row(
            "Key store", "not installed", "note", "pip install activitysmith-jupyter[keyring]"
        )
    return Row("Key store", f"keyring {version('keyring')}", "ok")


def _about_network(settings: Settings) -> list[Row]:
    parts = urlsplit(settings.base_url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    proxy = next((name for name in _PROXIES if os.environ.get(name)), "")
    if proxy and parts.scheme == "https":
        return [Row("Network", f"through the proxy of {proxy}", "note", "%activity test tries it")]
    try:
        with socket.create_connection((host, port), _CONNECT_SECONDS) as plain:
            if parts.scheme == "https":
                with ssl.create_default_context().wrap_socket(plain, server_hostname=host):
                    pass
    except ssl.SSLError as error:
        why = getattr(error, "verify_message", "") or error.reason or "TLS failed"
        return [Row("Network", f"{host}: {why}", "bad", "is there a proxy that opens TLS?")]
    except socket.gaierror:
        return [Row("Network", f"{host}: no such name", "bad", "check the DNS of this machine")]
    except OSError as error:
        reason = error.strerror or "no answer"
        return [Row("Network", f"{host}:{port}: {reason}", "bad", "is it blocked from here?")]
    return [Row("Network", f"{host}:{port} answers", "ok")]


def _about_role() -> Row:
    reason = silence_reason()
    if reason:
        return Row("This process", f"stays silent: {reason}", "note", "one run is one card")
    return Row("This process", "may speak", "ok")


def _about_place() -> Row:
    name = place_name()
    if name:
        return Row("Notebook", name, "ok")
    if ipython_shell() is None or "ipykernel" not in sys.modules:
        return Row("Notebook", "none: a console", "ok")
    remedy = "set ACTIVITYSMITH_NOTEBOOK to its name for titles and keys of its own"
    return Row("Notebook", "the front end does not tell its name", "note", remedy)
