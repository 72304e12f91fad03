"""The receivers whose forms ship: each a file of data with its codes, lengths and names."""

from importlib.resources import files
from typing import Any

import yaml

PROFILES = ("ae-5.0.2", "generic-5.0.1", "id-4.0.2", "us-sarx-1.2")


def load_profile(profile_id: str) -> dict[str, Any]:
    """The profile's data. Raises KeyError for one that does not ship."""
    if profile_id not in PROFILES:
        raise KeyError(profile_id)
    path = files("cases.exports.suspicion").joinpath("receivers", f"{profile_id}.yaml")
    profile: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return profile


def receivers() -> list[tuple[str, str]]:
    """The receivers whose forms ship: profile and title."""
    return [(each, str(load_profile(each)["title"])) for each in PROFILES]
