"""The bill of materials: valid by its makers' schema, complete, of this environment (B3)."""

import io
import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

import fiu
from fiu.sbom import LOCK, ROOT, bill_of_materials, read_lock

pytestmark = pytest.mark.xdist_group("bill")  # made once


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return bill_of_materials()


def by_name(bill: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"].lower(): each for each in bill["components"]}


def pinned(file: str) -> list[tuple[str, str]]:
    text = (ROOT / file).read_text("utf-8")
    return re.findall(r"^([\w-]+)(?:\[\S+\])?==(\S+)", text, re.MULTILINE)


def test_it_is_valid_and_another_program_reads_it(bill: dict[str, Any]) -> None:
    # Here, as its validator takes two seconds to load and every worker collects this file.
    from cyclonedx.model.bom import Bom  # noqa: PLC0415
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    text = json.dumps(bill)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    read: Any = Bom.from_json(json.loads(text))  # type: ignore[attr-defined]
    assert len(read.components) == len(bill["components"])
    spoilt = json.dumps(bill | {"components": [{"type": "thing", "name": "x"}]})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(spoilt) is not None


def test_every_pinned_package_stands_in_it_as_installed(bill: dict[str, Any]) -> None:
    found = by_name(bill)
    for name, pin in pinned("requirements.txt") + pinned("requirements-oidc.txt"):
        assert found[name.lower()]["version"] == version(name)
        assert version(name) == pin, f"{name} is installed in another version"


def test_what_only_tests_need_does_not(bill: dict[str, Any]) -> None:
    assert not {"pytest", "ruff", "mypy", "cyclonedx-python-lib"} & set(by_name(bill))


def test_hashes_are_those_of_the_lock(bill: dict[str, Any]) -> None:
    locked = read_lock(LOCK.read_text("utf-8"))
    assert len(locked) == LOCK.read_text("utf-8").count("==")
    django = by_name(bill)["django"]
    assert [one["content"] for one in django["hashes"]] == locked["django"][django["version"]]
    for each in bill["components"]:
        name = each["bom-ref"].partition("pkg:pypi/")[2].partition("@")[0]
        assert ("hashes" in each) == (each["version"] in locked.get(name, {}))


def test_everything_says_its_licence_and_fonts_and_scripts_are_there(bill: dict[str, Any]) -> None:
    assert [each["name"] for each in bill["components"] if not each["licenses"]] == []
    found = by_name(bill)
    assert found["numpy"]["licenses"][0]["expression"].startswith("BSD-3-Clause AND ")
    assert found["django"]["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert found["cytoscape"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert found["@fontsource/jetbrains-mono"]["purl"].startswith("pkg:npm/%40fontsource/")


def test_what_needs_what(bill: dict[str, Any]) -> None:
    needs = {each["ref"].partition("@")[0]: each["dependsOn"] for each in bill["dependencies"]}
    assert any("pkg:pypi/kombu@" in ref for ref in needs["pkg:pypi/celery"])
    assert any("pkg:pypi/redis@" in ref for ref in needs["pkg:pypi/kombu"]), "by an extra"
    assert any("pkg:pypi/weasyprint@" in ref for ref in needs["tracehold"])


def test_the_same_environment_has_the_same_number(bill: dict[str, Any]) -> None:
    again = bill_of_materials()
    assert again["serialNumber"] == bill["serialNumber"]
    assert again["components"] == bill["components"]
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert told["project"]["version"] == fiu.__version__


def test_the_command_writes_it_whole(tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("sbom", str(tmp_path / "bom.json"), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (
        len(json.loads((tmp_path / "bom.json").read_text())["components"])
        == (told["num_components"])
    )
    assert told["without_licence"] == []
    with pytest.raises(CommandError, match=r"cannot be written: No such file or directory\.$"):
        call_command("sbom", str(tmp_path / "nowhere" / "bom.json"))
