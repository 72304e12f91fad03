"""A setting with a wrong value stops the start: which one, what is wrong and what to write."""

import os
import runpy
from pathlib import Path

import pytest

from fiu.environment import ROOT, SettingsError

pytestmark = pytest.mark.once

DATABASE = "must be an address such as postgres://user@host:5432/name"
REDIS = "must be an address such as redis://host:6379"
# variable, value, what the sentence says of it; {} is a folder of the test
WRONG = [
    ("FIU_PROXIES", "one", "must be a whole number: 'one' is not."),
    ("FIU_LEASE_SECONDS", "soon", "must be a number: 'soon' is not."),
    ("FIU_LEASE_SECONDS", "5 min", "must be a number: '5 min' is not."),
    ("FIU_LEASE_SECONDS", "nan", "must be a number of seconds above 0."),
    ("FIU_HOME", "", "is empty: name a folder"),
    ("FIU_HOME", "{}/a_file", "cannot be used: File exists."),
    ("FIU_HOME", "{}/a_file/home", "cannot be used: Not a directory."),
    ("FIU_HOME", "/proc/tracehold", "cannot be used: No such file or directory."),
    ("FIU_DATABASE_URL", "garbage", DATABASE),
    ("FIU_DATABASE_URL", "postgres://fiu@host:port/fiu", DATABASE),
    ("FIU_DATABASE_URL", "postgres://[fiu", DATABASE),
    ("FIU_DATABASE_URL", "postgres://fiu@host", DATABASE),
    ("FIU_DATABASE_URL", "mysql://fiu@host/fiu", DATABASE),
    ("FIU_SECRET_KEY_FILE", "{}", "cannot be read: Is a directory."),
    ("FIU_SECRET_KEY_FILE", "/proc/tracehold", "cannot be made: No such file or directory."),
    ("FIU_SECRET_KEY_FILE", "{}/no_text", "is not text in UTF-8."),
    ("FIU_SECRET_KEY_FILE", "{}/short", "is shorter than 32 characters."),
    ("FIU_METRICS_TOKEN_FILE", "{}/no_text", "is not text in UTF-8."),
    ("FIU_CACHE_URL", "nonsense", REDIS),
    ("FIU_CACHE_URL", "locmemcache://", REDIS),
    ("FIU_CACHE_URL", "redis://[bad", REDIS),
    ("FIU_BROKER_URL", "nonsense", REDIS),
    ("FIU_BROKER_URL", "redis://host:port/0", REDIS),
    ("FIU_LOG_LEVEL", "loud", "must be DEBUG, INFO, WARNING, ERROR or CRITICAL."),
    ("FIU_EXCHANGE_URL", "https://[bad", "must start with http:// or https://"),
    ("FIU_EXCHANGE_URL", "https://", "must start with http:// or https://"),
    ("FIU_OIDC_ISSUER", "https://[bad", "must be an address such as https://host.example/."),
    ("FIU_OIDC_ISSUER", "http://host.example/", "must begin with https://"),
    ("FIU_ORIGIN", "fiu.example", "must be an address such as https://fiu.example"),
    ("FIU_ORIGIN", "ftp://fiu.example", "must be an address such as https://fiu.example"),
    ("FIU_ORIGIN", "https://fiu.example/cases", "must be an address such as https://fiu.example"),
    ("FIU_ALLOWED_HOSTS", "https://localhost", "lists host names"),
    ("FIU_ALLOWED_HOSTS", "localhost:8000", "lists host names"),
    ("FIU_PRIVATE_HOSTS", "core.example/api", "lists host names"),
    ("FIU_LABEL_HOSTS", "https://lists.example", "lists host names"),
    ("FIU_WEBHOOK_HOSTS", "one.example, two .example", "lists host names"),
    ("FIU_CLAMD", "tcp://clamd:port", "must be unix:///path/of/the/socket or tcp://host:port."),
    ("FIU_COMPUTE_URL", "sc://[bad", "must look like sc://host:port."),
    ("FIU_MAIL_URL", "smtp://host:port", "must be smtp://user@host:587"),
]


def start(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, object]:
    """The settings as they are with these variables alone."""
    for name in [name for name in os.environ if name.startswith("FIU_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "fiu" / "settings.py"))


@pytest.mark.parametrize(("name", "value", "sentence"), WRONG)
def test_a_wrong_value_stops_the_start_with_one_sentence(
    name: str, value: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_file").write_text("")
    (tmp_path / "no_text").write_bytes(b"\xff" * 40)
    (tmp_path / "short").write_text("short")
    monkeypatch.chdir(tmp_path)
    given = {"FIU_HOME": str(tmp_path / "home"), name: value.format(tmp_path)}
    with pytest.raises(SettingsError) as stopped:
        start(monkeypatch, **given)
    assert str(stopped.value).startswith(name)
    assert sentence in str(stopped.value)
    assert "\n" not in str(stopped.value)
    assert not (tmp_path / "secrets").exists(), "the folder one stands in was taken for FIU_HOME"


def test_a_key_that_is_missing_is_not_made_again_for_an_old_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, key = tmp_path / "home", tmp_path / "keys" / "secret_key"
    given = {"FIU_HOME": str(home), "FIU_SECRET_KEY_FILE": str(key)}
    start(monkeypatch, **given)
    key.rename(tmp_path / "elsewhere")
    (home / "db.sqlite3").touch()
    with pytest.raises(SettingsError, match="put it back") as stopped:
        start(monkeypatch, **given)
    assert str(stopped.value).startswith("FIU_SECRET_KEY_FILE: ")
    assert not key.exists()


def test_spaces_between_names_and_a_slash_at_the_end_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = start(
        monkeypatch, FIU_HOME=str(tmp_path), FIU_PRIVATE_HOSTS="core.example, 10.0.0.5 ,fd00::5",
        FIU_ORIGIN="https://fiu.example/", FIU_ALLOWED_HOSTS="localhost, [::1]",
        FIU_DATABASE_URL="postgres:///fiu?host=/run/postgresql", FIU_BROKER_URL="rediss://host/0",
        FIU_CACHE_URL="redis://liaison@host:6379/1", FIU_CLAMD="tcp://clamd",
    )  # fmt: skip
    assert settings["PRIVATE_HOSTS"] == ["core.example", "10.0.0.5", "fd00::5"]
    assert settings["ALLOWED_HOSTS"] == ["localhost", "[::1]"]
    assert settings["FIU_ORIGIN"] == "https://fiu.example"
