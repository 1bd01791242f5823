"""Look up known vulnerabilities of everything that users install with the package.

    python .ci/audit.py

Ends with 1 when a dependency has one. Where the data cannot be had (no network, a registry that
keeps none, an outage) it says so in one line and ends with 0: what somebody else's server does
must not decide whether a change lands.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Answer = list[dict[str, Any]]

PACKAGE: Final = "activitysmith-jupyter"
# What users may add; the other extras are for those who work on the package.
EXTRAS: Final = ("keyring", "papermill", "run")
# Where pip-audit can look, the nearest first.
SERVICES: Final = ("pypi", "osv")
# A server that has the data knows something about this one. A registry without it answers, too,
# and pip-audit takes that for "no known vulnerabilities".
CONTROL: Final = {"werkzeug": "3.0.0"}
SECONDS: Final = 60.0


def dependencies(package: str = PACKAGE, extras: Iterable[str] = EXTRAS) -> dict[str, str]:
    """Return the versions that are installed of a package's dependencies, and of theirs."""
    found: dict[str, str] = {}
    waiting = [(package, frozenset(extras))]
    seen = set()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            installed = distribution(name)
        except PackageNotFoundError:  # for another system, or an extra that is not here
            continue
        if name != package:
            found[name] = installed.version
        for line in installed.requires or ():
            needed = Requirement(line)
            if needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in ("", *wanted)
            ):
                normal = re.sub(r"[-_.]+", "-", needed.name).lower()
                waiting.append((normal, frozenset(needed.extras)))
    return dict(sorted(found.items()))


def ask(service: str, pins: Mapping[str, str]) -> Answer | None:
    """Return what a service knows about versions; None when it does not answer.

    Returns
    -------
    list of dict or None
        ``name`` and either ``version`` and ``vulns`` or ``skip_reason``, as pip-audit says it.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
        command = [
            *(sys.executable, "-m", "pip_audit", "--vulnerability-service", service),
            *("--requirement", str(file), "--no-deps", "--disable-pip"),
            *("--format", "json", "--progress-spinner", "off", "--timeout", "10"),
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=SECONDS, check=False
            )
            answer = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, ValueError):
            return None
    known = answer.get("dependencies") if isinstance(answer, dict) else None
    return known if isinstance(known, list) else None


def main(
    pins: Mapping[str, str], ask: Callable[[str, Mapping[str, str]], Answer | None] = ask
) -> int:
    """Ask the first service that has data about all dependencies, and say what it knows."""
    for service in SERVICES:
        control = ask(service, CONTROL)
        if not (control and control[0].get("vulns")):
            continue
        known = ask(service, pins)
        if known is None:
            continue
        skipped = [each["name"] for each in known if "skip_reason" in each]
        faults = [(each, fault) for each in known for fault in each.get("vulns", ())]
        for each, fault in faults:
            mended = ", ".join(fault.get("fix_versions", ())) or "no version yet"
            print(f"audit: {each['name']} {each['version']}: {fault['id']}, mended in {mended}")
        if skipped:
            print(f"audit: nothing is known about {', '.join(skipped)}")
        print(f"audit: {len(known) - len(skipped)} dependencies, {len(faults)} vulnerabilities")
        return 1 if faults else 0
    print(f"audit: NOT DONE for {len(pins)} dependencies: no vulnerability data can be had here")
    return 0


if __name__ == "__main__":
    sys.exit(main(dependencies()))
