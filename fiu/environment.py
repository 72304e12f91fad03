"""The FIU_* variables of this installation: read once, checked, and refused with a sentence.

Every name is documented in docs/operate/settings.md. No Django here: the supervisor and the
settings both read it.
"""

import ipaddress
import math
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

import environ

ROOT = Path(__file__).resolve().parent.parent

# name -> (type, default). A variable that is not here stops the start: a typing mistake must not
# silently run with a default.
KNOWN: dict[str, tuple[Any, Any]] = {
    "FIU_HOME": (str, str(ROOT / "var")),
    "FIU_STATIC_ROOT": (str, ""),
    "FIU_DATABASE_URL": (str, ""),
    "FIU_DATABASE_PASSWORD_FILE": (str, ""),
    "FIU_RLS": (bool, False),
    "FIU_BROKER_URL": (str, ""),
    "FIU_CACHE_URL": (str, ""),
    "FIU_REDIS_PASSWORD_FILE": (str, ""),
    "FIU_ALLOWED_HOSTS": (list, ["localhost", "127.0.0.1", "[::1]"]),
    "FIU_ORIGIN": (str, ""),
    "FIU_TLS": (bool, False),
    "FIU_PROXIES": (int, 0),
    "FIU_DOOR": (str, "both"),
    "FIU_SECRET_KEY_FILE": (str, ""),
    "FIU_BREACHED_PASSWORDS_FILE": (str, ""),
    "FIU_OIDC_ISSUER": (str, ""),
    "FIU_OIDC_CLIENT_ID": (str, ""),
    "FIU_OIDC_CLIENT_SECRET_FILE": (str, ""),
    "FIU_OIDC_NAME": (str, ""),
    "FIU_OIDC_SECOND_FACTOR": (list, []),
    "FIU_METRICS_TOKEN_FILE": (str, ""),
    "FIU_LOG_LEVEL": (str, "INFO"),
    "FIU_LEASE_SECONDS": (float, 60.0),
    "FIU_HEARTBEAT_SECONDS": (float, 15.0),
    "FIU_STALL_SECONDS": (float, 300.0),
    "FIU_CHECKPOINT_SECONDS": (float, 10.0),
    "FIU_YIELD_SECONDS": (float, 3000.0),
    "FIU_DISPATCH_SECONDS": (float, 5.0),
    "FIU_HINT_SECONDS": (float, 10.0),
    "FIU_PERIODIC_SECONDS": (float, 60.0),
    "FIU_DRIFT_SECONDS": (float, 3600.0),
    "FIU_DETECT_HOURS": (int, 24),
    "FIU_DEAF_SECONDS": (float, 120.0),
    "FIU_NODES_FILE": (str, ""),
    "FIU_COMPUTE_URL": (str, ""),
    "FIU_COMPUTE_HOME": (str, ""),
    "FIU_COMPUTE_MEMORY": (str, "4GB"),
    "FIU_AUDIT_CHECKPOINT_DIR": (str, ""),
    "FIU_AUDIT_CHECKPOINT_SECONDS": (float, 900.0),
    "FIU_EXCHANGE_URL": (str, ""),
    "FIU_EXCHANGE_TOKEN_FILE": (str, ""),
    "FIU_REFERENCE_EXCHANGE": (bool, False),
    "FIU_MAIL_URL": (str, ""),
    "FIU_MAIL_PASSWORD_FILE": (str, ""),
    "FIU_MAIL_FROM": (str, ""),
    "FIU_PROVISIONAL_HOURS": (int, 24),
    "FIU_API_PER_SECOND": (int, 5),
    "FIU_API_BURST": (int, 20),
    "FIU_EXPORTS_PER_HOUR": (int, 10),
    "FIU_TRACES_AT_ONCE": (int, 50),
    "FIU_UPLOAD_MEGABYTES_PER_DAY": (int, 2000),
    "FIU_CASE_MEGABYTES": (int, 20_000),
    "FIU_CLAMD": (str, ""),
    "FIU_TSA_URL": (str, ""),
    "FIU_PRIVATE_HOSTS": (list, []),
    "FIU_LABEL_HOSTS": (list, []),
    "FIU_LABEL_FOLDER": (str, ""),
    "FIU_WEBHOOK_HOSTS": (list, []),
    "FIU_FAILPOINT": (str, ""),
    "FIU_GOAML_XSD_DIR": (str, ""),
    "FIU_REPORTING_ENTITY_FILE": (str, ""),
}
FOLDERS = (
    "secrets", "log", "queue", "queue-control", "ledgers", "files", "uploads", "static", "cache",
)  # fmt: skip
KINDS = {int: "a whole number", float: "a number", bool: "true or false"}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
TEST_PREFIX = "FIU_TEST_"  # read by tests and CI only


class SettingsError(SystemExit):
    """A setting is unknown or malformed; the message is a sentence for the console."""


def read() -> dict[str, Any]:
    """All settings with their types.

    Raises:
        SettingsError: a name is unknown or a value does not have its type.
    """
    for name in sorted(os.environ):
        if name.startswith("FIU_") and name not in KNOWN and not name.startswith(TEST_PREFIX):
            raise SettingsError(
                f"{name} is not a setting of this program: see docs/operate/settings.md."
            )
    env = environ.Env(**KNOWN)
    values: dict[str, Any] = {}
    for name, (kind, _default) in KNOWN.items():
        try:
            # The library takes "5 min" for 5 and "1e3" for 13.
            is_number = kind is float and name in os.environ
            values[name] = float(os.environ[name]) if is_number else env(name)
        except (ValueError, environ.ImproperlyConfigured) as error:
            raise SettingsError(
                f"{name} must be {KINDS.get(kind, 'text')}: {os.environ.get(name)!r} is not."
            ) from error
        if kind is bool and os.environ.get(name, "0").lower() not in _BOOLEANS:
            raise SettingsError(f"{name} must be true or false: {os.environ[name]!r} is neither.")
        if kind is float and not 0 < values[name] < math.inf:
            raise SettingsError(f"{name} must be a number of seconds above 0.")
        if kind is list:  # nobody is called by a name with a space before it
            values[name] = [each.strip() for each in values[name] if each.strip()]
    if not values["FIU_HOME"].strip():  # else it would be the folder one happens to stand in
        raise SettingsError("FIU_HOME is empty: name a folder, or unset it for var/.")
    if values["FIU_LOG_LEVEL"].upper() not in LOG_LEVELS:
        raise SettingsError(
            f"FIU_LOG_LEVEL must be {', '.join(LOG_LEVELS[:-1])} or {LOG_LEVELS[-1]}."
        )
    return values


_BOOLEANS = {"1", "0", "true", "false", "yes", "no", "on", "off"}


def make_home(home: Path) -> None:
    """Create the state folder, readable by its owner only."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in FOLDERS:
            (home / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"FIU_HOME: {error.filename} cannot be used: {error.strerror}. Name a folder that this"
            " user may write."
        ) from error


def require_kept(name: str, key: Path, home: Path) -> None:
    """Raise SettingsError where an installation that is in use would get another key.

    Links in use would end, and no keyed hash of before would match.
    """
    if not key.exists() and ((home / "db.sqlite3").exists() or any((home / "files").iterdir())):
        raise SettingsError(
            f"{name}: there is no {key}, and {home} is in use with it already: put it back."
        )


def secret(path: Path, name: str = "") -> str:
    """The secret in a file; made at first use with mode 0600, never printed.

    Two processes starting at once agree: the file is created exclusively and complete. `name` is
    the variable that names the file, for the sentence where it cannot be had.
    """
    said = f"{name}: {path}" if name else str(path)
    if not path.exists():
        try:
            _make_secret(path)
        except OSError as error:
            raise SettingsError(f"{said} cannot be made: {error.strerror}.") from error
    value = _text(path, said)
    if len(value) < 32:
        raise SettingsError(f"{said} is shorter than 32 characters.")
    return value


def _make_secret(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(64))
    try:
        os.link(draft, path)  # fails when another process was first
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def password(name: str, file: str) -> str:
    """The password in the file that variable `name` names: somebody else's, so never made here."""
    value = _text(Path(file), f"{name}: {file}")
    if not value:
        raise SettingsError(f"{name}: {file} is empty.")
    return value


def _text(path: Path, said: str) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{said} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{said} is not text in UTF-8.") from error


def with_password(url: str, word: str) -> str:
    """The address with the password in it; the user before it, if any, stays."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(netloc=f"{quote(parts.username or '')}:{quote(word, safe='')}@{host}")
    )


def warn(sentence: str) -> None:
    """One line for the person at the console."""
    print(sentence, file=sys.stderr, flush=True)


def address(url: str, schemes: Sequence[str], *, needs_host: bool = True) -> SplitResult | None:
    """The parts of an address with one of these schemes and a port that is a number, else None."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in schemes and (parts.hostname or not needs_host) else None


def database_of(url: str) -> dict[str, Any]:
    """What Django needs of the address of a PostgreSQL database. Raises SettingsError."""
    schemes = ("postgres", "postgresql", "psql", "pgsql")
    parts = address(url, schemes, needs_host=False)  # none: a socket of this machine
    found: dict[str, Any] = environ.Env.db_url_config(url) if parts else {}
    if not found.get("NAME"):
        raise SettingsError(
            "FIU_DATABASE_URL must be an address such as postgres://user@host:5432/name; SQLite"
            " needs none."
        )
    return found


def require_redis(name: str, url: str) -> None:
    """Raise SettingsError unless it is an address of Redis, or none at all."""
    if url and not address(url, ("redis", "rediss")):
        raise SettingsError(f"{name} must be an address such as redis://host:6379/0, or rediss://.")


def origin_of(url: str) -> str:
    """The public address without a slash at its end. Raises SettingsError where there is more."""
    parts = address(url, ("http", "https"))
    if url and (
        parts is None or parts.path not in ("", "/") or parts.query or parts.fragment
        or "@" in parts.netloc
    ):  # fmt: skip
        raise SettingsError(
            "FIU_ORIGIN must be an address such as https://fiu.example, without a path."
        )
    return url.rstrip("/")


def require_host_names(name: str, hosts: Sequence[str]) -> None:
    """Raise SettingsError unless each is a name or a number: with more, none would ever match."""
    for host in hosts:
        if set(host) & set("/@?# ") or (":" in host and not _is_ipv6(host.strip("[]"))):
            raise SettingsError(
                f"{name} lists host names alone, such as fiu.example, with commas between:"
                f" {host!r} is none."
            )


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def require_secure(name: str, url: str) -> None:
    """Raise SettingsError unless the setting is an https:// address, or http:// of this machine."""
    parts = address(url, ("http", "https", ""), needs_host=False)
    if parts is None:
        raise SettingsError(f"{name} must be an address such as https://host.example/.")
    is_own = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or not (parts.scheme == "https" or is_own):
        raise SettingsError(f"{name} must begin with https://; http:// is for this machine alone.")
