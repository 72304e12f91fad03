"""Where the shared test data lie, or a loud skip."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _folder(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or ROOT.parent / "shared" / default)


def data_path(name: str) -> Path:
    """A file of the shared data; skips the test, saying why, where it is absent."""
    path = _folder("TRACEHOLD_DATA", "data") / name
    if not path.exists():
        pytest.skip(f"shared data absent: {path} (TRACEHOLD_DATA names the folder)")
    return path


def schema_path(name: str) -> Path:
    """A file of the shared schemas; skips the test, saying why, where it is absent."""
    path = _folder("TRACEHOLD_SCHEMAS", "schemas") / name
    if not path.exists():
        pytest.skip(f"shared schemas absent: {path} (TRACEHOLD_SCHEMAS names the folder)")
    return path


def data_json(name: str) -> Any:  # whatever the file holds
    """Parsed JSON of the shared data."""
    return json.loads(data_path(name).read_text())


def schema_json(name: str) -> Any:  # whatever the file holds
    """Parsed JSON of the shared schemas."""
    return json.loads(schema_path(name).read_text())
