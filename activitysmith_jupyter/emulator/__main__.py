"""Run the emulator from the command line: ``python -m activitysmith_jupyter.emulator``."""

from __future__ import annotations

import argparse
import re
import sys
import threading
from typing import TYPE_CHECKING

from ._server import Emulator

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

DEFAULT_PORT = 8025
# A fixed key, so that an exported environment outlives a restart. It opens nothing but this.
LOCAL_KEY = "ask_local_emulator"
_KEY = re.compile(r"[!-~]+")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="activitysmith-jupyter emulator",
        description="A local ActivitySmith with a phone page. Nothing leaves this machine.",
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port on 127.0.0.1; 0 takes a free one"
    )
    parser.add_argument("--api-key", default=LOCAL_KEY, help="the key to accept")
    parser.add_argument("--limit", type=int, default=5, help="Live Activities per device")
    parser.add_argument(
        "--policy",
        choices=("refuse", "evict"),
        default="refuse",
        help="at the limit: answer 429, or end the oldest activity",
    )
    parser.add_argument(
        "--rate-limits",
        choices=("standard", "strict", "off"),
        default="standard",
        help="strict: one shared 60 a minute",
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="KEY",
        help="make a widget metric exist (repeatable); without any, metrics appear on first use",
    )
    parser.add_argument(
        "--no-ios-budget",
        action="store_true",
        help="show every update, however often they come",
    )
    return parser


def main(argv: Sequence[str] | None = None, *, until: threading.Event | None = None) -> int:
    """Serve until Ctrl-C.

    Parameters
    ----------
    argv : sequence of str or None
        Command-line arguments without the program's name; None takes the process's.
    until : threading.Event or None, default None
        Ends it as Ctrl-C does, for whoever runs it in a thread.

    Returns
    -------
    int
        0 after a clean end, 1 when the port is taken, 2 for a setting that cannot be used.
    """
    parser = _parser()
    words = sys.argv[1:] if argv is None else list(argv)
    if any(word.startswith("--") and word.endswith("=--") for word in words):
        parser.error("-- is no value of an option")  # argparse would make an empty list of it
    options = parser.parse_args(words)
    if not _KEY.fullmatch(options.api_key):
        parser.error("--api-key: must be printable ASCII without spaces, as a header can carry")
    until = until or threading.Event()
    say = sys.stdout.write
    try:
        emulator = Emulator(
            port=options.port,
            api_key=options.api_key,
            limit=options.limit,
            policy=options.policy,
            rate_limits=options.rate_limits,
            metrics=options.metric or None,
            update_burst=None if options.no_ios_budget else 12,
        )
    except (TypeError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        emulator.start()
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"cannot listen on 127.0.0.1:{options.port}: {error}\n")
        return 1
    try:
        say(
            f"Phone page  {emulator.url}\n"
            f"Base URL    {emulator.base_url}\n"
            f"API key     {emulator.api_key}\n"
            "\n"
            "In the shell you start Jupyter from:\n"
            f"  export ACTIVITYSMITH_BASE_URL={emulator.base_url}\n"
            f"  export ACTIVITYSMITH_API_KEY={emulator.api_key}\n"
            "\n"
            "Ctrl-C ends it.\n"
        )
        sys.stdout.flush()
        until.wait()
    except KeyboardInterrupt:
        say("\n")
    finally:
        emulator.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
