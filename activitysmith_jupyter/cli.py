"""The command line: ``activitysmith-jupyter demo | emulator | run | doctor``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from . import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process when left out.
    """
    parser = argparse.ArgumentParser(
        prog="activitysmith-jupyter",
        description="Your notebook's progress on your iPhone's Lock Screen.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo", help="train a real classifier and watch it on the emulated phone"
    )
    demo.add_argument(
        "--seconds",
        type=_training_seconds,
        help="about how long to train; DEMO_SECONDS or 30 by default",
    )
    demo.add_argument(
        "--keep", action="store_true", help="keep the phone page up until Ctrl-C, as in a terminal"
    )
    commands.add_parser(
        "emulator",
        help="serve the emulator and its phone page on this machine",
        add_help=False,
    )
    from .runners._execute import add_run_arguments  # noqa: PLC0415  keep the module's import light

    add_run_arguments(
        commands.add_parser("run", help="execute a notebook and watch it on the phone")
    )
    commands.add_parser("doctor", help="check the key, the network and the environment")
    words = sys.argv[1:] if argv is None else list(argv)
    if any(word.startswith("--") and word.endswith("=--") for word in words):
        parser.error("-- is no value of an option")  # argparse would make an empty list of it
    options, rest = parser.parse_known_args(words)
    if options.command == "emulator":
        from .emulator.__main__ import main as emulate  # noqa: PLC0415  only this command needs it

        return emulate(rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if options.command == "run":
        from .runners._execute import run_notebook  # noqa: PLC0415  as above

        return run_notebook(options)
    if options.command == "doctor":
        from ._doctor import doctor  # noqa: PLC0415  as above

        sheet = doctor()
        print(sheet)  # noqa: T201  the command's answer
        return 0 if sheet.is_good else 1
    from .demo._run import run_demo  # noqa: PLC0415  numpy and the emulator: only this command

    return run_demo(seconds=options.seconds, keep=options.keep or None)


def _training_seconds(text: str) -> float:
    from .demo._run import read_seconds  # noqa: PLC0415  only the demo needs it

    try:
        return read_seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


if __name__ == "__main__":
    raise SystemExit(main())
