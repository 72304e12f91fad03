"""docker-compose.yml as Docker would read it: names put in, anchors followed."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
HOSTS = {"TRACEHOLD_HOST": "fiu.example", "TRACEHOLD_LIAISON_HOST": "liaison.fiu.example"}
APP = ("web", "liaison", "worker", "casework", "dispatcher", "migrate", "backup", "compute")


def services() -> dict[str, Any]:
    return document()["services"]


def document() -> dict[str, Any]:
    return _filled(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")))


def _filled(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _filled(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value) for value in part]
    if isinstance(part, str):
        return re.sub(r"(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}", _value, part)
    return part


def _value(match: re.Match[str]) -> str:
    name, kind, text = match.groups()
    return HOSTS.get(name, text if kind == "-" else "")
