"""What a recipient's release usually leaves out: a table that compliance edits, not code.

It suggests and decides nothing: every field stays a person's choice, with a second one behind it.
"""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from cases.dossier import REDACTION_CODES

NAME = "redaction_policy.toml"
SHIPPED = Path(__file__).with_name(NAME)
FIELDS = frozenset({
    "summary", "statement", "confidence_reason", "assumptions", "alternatives", "amounts", "names",
    "label", "account", "holder", "customers", "exhibit",
})  # fmt: skip

Row = tuple[str, str, Mapping[str, str]]


class RedactionPolicyError(Exception):
    """The table cannot be read; the message says where and why."""


def suggested(home: Path, kind: str, country: str) -> dict[str, str]:
    """Field -> reason code for a recipient of this kind and country.

    Of the installation's own table, or of the shipped one. Raises RedactionPolicyError.
    """
    own = home / NAME
    path = own if own.exists() else SHIPPED
    found: dict[str, str] = {}
    for of_kind, of_country, fields in _rows(path, path.stat().st_mtime_ns):
        if of_kind in ("*", kind) and of_country in ("*", country):
            found = {**fields, **found}
    return {field: code for field, code in found.items() if code}


@lru_cache(maxsize=4)
def _rows(path: Path, _changed_at: int) -> tuple[Row, ...]:
    """The table of a file; kept until the file's time changes."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        rows = tuple(
            (str(each["kind"]), str(each["country"]), dict(each["fields"])) for each in table["row"]
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RedactionPolicyError(f"{path.name} cannot be read: {error}") from error
    for _kind, _country, fields in rows:
        unknown = sorted(set(fields) - FIELDS)
        wrong = sorted({str(code) for code in fields.values()} - set(REDACTION_CODES) - {""})
        if unknown or wrong:
            raise RedactionPolicyError(f"{path.name} names {unknown or wrong}, which is not known")
    return rows
