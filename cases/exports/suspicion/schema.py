"""Whether a report file is valid: two engines must agree, and the schema's faults are mended first.

A receiver's schema as issued reads `^` and `$` literally and so refuses every name; its e-mail
pattern holds a range that XSD does not know; and `vc:minVersion="1.1"` makes an XSD 1.0 engine read
an empty schema. Each repair is recorded. Source: FORMATS.md section 4; W3C XSD 1.1 part 1, 4.2.2.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import lxml
from lxml import etree

MOST_ERRORS = 20
PATTERN = re.compile(r'(<xs:pattern\s+value=")([^"]*)(")')
MIN_VERSION = re.compile(r'\s+vc:minVersion="[^"]*"')


class NoSchema(ValueError):
    """The receiver's schema is not there or cannot be read; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What each engine said: no errors from either means valid."""

    errors: dict[str, tuple[str, ...]]
    repairs: tuple[str, ...]
    engines: dict[str, str]

    @property
    def is_valid(self) -> bool:
        return not any(self.errors.values())


def repaired(text: str) -> tuple[str, tuple[str, ...]]:
    """The schema with its known faults mended, and what was mended."""
    repairs: dict[str, int] = {}

    def mend(match: re.Match[str]) -> str:
        value = match[2]
        if value.startswith("^") and value.endswith("$"):
            value = value[1:-1]
            repairs["signs ^ and $ of a pattern removed"] = (
                repairs.get("signs ^ and $ of a pattern removed", 0) + 1
            )
        for wrong in (r"9-\+]", "9-+]"):
            if wrong in value:
                value = value.replace(wrong, "9+-]")
                name = f"range {wrong[:-1]} of a pattern mended"
                repairs[name] = repairs.get(name, 0) + 1
        return f"{match[1]}{value}{match[3]}"

    mended = PATTERN.sub(mend, text)
    mended, num = MIN_VERSION.subn("", mended)
    if num:
        repairs["vc:minVersion removed"] = num
    return mended, tuple(f"{name} ({count})" for name, count in sorted(repairs.items()))


@cache
def _second_engine() -> Any:
    """The package xmlschema, loaded at the first report: it takes 0.3 s, and no page needs it."""
    return import_module("xmlschema")


@dataclass(frozen=True, slots=True)
class _Schema:
    lxml: Any  # etree.XMLSchema; the package ships no types
    xmlschema: Any  # xmlschema.XMLSchema10
    repairs: tuple[str, ...]


@lru_cache(maxsize=4)
def _load(path: Path, _changed_at: int) -> _Schema:
    text, repairs = repaired(path.read_text("utf-8-sig"))
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    engine = _second_engine()
    try:
        first = etree.XMLSchema(etree.fromstring(text.encode(), parser))
        second = engine.XMLSchema10(text, allow="none", defuse="always")
    except (etree.LxmlError, engine.XMLSchemaException) as error:
        raise NoSchema(f"The schema {path.name} cannot be read: {str(error)[:200]}") from None
    if not {"report", "EFilingBatchXML"} & {name.rpartition("}")[2] for name in second.elements}:
        raise NoSchema(f"The schema {path.name} is of no report.")
    return _Schema(first, second, repairs)


def validate(content: bytes, folder: Path, name: str) -> Verdict:
    """Ask both engines. Raises NoSchema when the folder does not hold the receiver's schema."""
    path = folder / name
    if not path.is_file():
        raise NoSchema(
            f"The receiver's schema is not here: put it as {name} into the folder that "
            "FIU_GOAML_XSD_DIR names."
        )
    schema = _load(path, path.stat().st_mtime_ns)
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    document = etree.fromstring(content, parser)
    return Verdict(
        {
            "lxml": tuple(_lxml_errors(schema.lxml, document)),
            "xmlschema": tuple(_xmlschema_errors(schema.xmlschema, content)),
        },
        schema.repairs,
        {"lxml": lxml.__version__, "xmlschema": _second_engine().__version__},
    )


def _lxml_errors(schema: Any, document: Any) -> Iterator[str]:
    if not schema.validate(document):
        for entry in list(schema.error_log)[:MOST_ERRORS]:
            yield f"line {entry.line}: {entry.message}"


def _xmlschema_errors(schema: Any, content: bytes) -> Iterator[str]:
    resource = _second_engine().XMLResource(content, allow="none", defuse="always")
    for number, error in enumerate(schema.iter_errors(resource)):
        if number >= MOST_ERRORS:
            return
        yield f"{error.path}: {error.reason}"
