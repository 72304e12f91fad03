"""`make audit`: whether a package of the lock has a known vulnerability, by pip-audit.

pip-audit says "No known vulnerabilities found" also where it could look up nothing at all, without
a network or behind a mirror that has no such data. Here every package must have been looked up.

Ends with 0 where all were and none has any, 1 where one has, 2 where one could not be looked up.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / ".ci" / "requirements.lock"
SECONDS = 600


def verdict(report: Any) -> tuple[int, list[str]]:
    """What the report of pip-audit (its JSON) means: how to end, and the lines to say."""
    packages = report.get("dependencies", []) if isinstance(report, dict) else []
    unread = [each["name"] for each in packages if "skip_reason" in each]
    found = [
        f"{each['name']} {each['version']}: {one['id']}"
        + (f", fixed in {', '.join(one['fix_versions'])}" if one.get("fix_versions") else "")
        for each in packages
        for one in each.get("vulns", [])
    ]
    if found:
        return 1, [*sorted(found), f"{len(found)} known vulnerabilities; update those packages."]
    if unread or not packages:
        return 2, [
            f"Not audited: {len(unread)} of {len(packages)} packages could not be looked up; this"
            " needs a network and a package index that has vulnerabilities, such as PyPI itself."
        ]
    return 0, [f"{len(packages)} packages looked up, none has a known vulnerability."]


def main() -> int:
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--require-hashes",
        "--disable-pip", "--format", "json", "--progress-spinner", "off",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        report = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        report = {}
    status, lines = verdict(report)
    print("\n".join(lines))  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main())
