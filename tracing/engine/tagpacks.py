"""Files of tags to rows: GraphSense TagPacks and CSV lists.

Every row is accepted or reported with its number and reason. The chain is told by the address.
Tags inherit what the head of their pack says. Source: the TagPack schema of GraphSense.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import yaml

from tracing.engine.addresses import Network
from tracing.engine.chains import ChainAddress, decode_chain_address
from tracing.engine.tagging import CONCEPTS, CONFIDENCE, UNKNOWN
from tracing.errors import AddressError, TagFileError

MAX_BYTES: Final = 64 * 1024 * 1024
_NAMED_AFTER: Final = (
    ("mixer", "mixing_service"), ("darknet-market", "market"), ("exchange", "exchange"),
    ("p2p-platform", "exchange"), ("scam", "scam"), ("gambling", "gambling"),
)  # fmt: skip
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Of plain words only these are more than text: a number need not be read to be shown, and a long
# one takes hours.
_READ: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("bool", "null", "timestamp"))
_PLAIN: Final = type(
    "_Plain",
    (_LOADER,),
    {
        "yaml_implicit_resolvers": {
            first: [(tag, pattern) for tag, pattern in rules if tag in _READ]
            for first, rules in _LOADER.yaml_implicit_resolvers.items()
        }
    },
)
_DEEPEST: Final = 20

Networks = Sequence[Network]


@dataclass(frozen=True, slots=True)
class TagRow:
    """One accepted tag; `number` is its place in the file (of a CSV, the line)."""

    number: int
    address: ChainAddress
    label: str
    category: str
    concepts: tuple[str, ...]
    abuse: str
    actor: str
    confidence: str
    source: str
    lastmod: date | None
    is_cluster_definer: bool


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """One row that is not stored, and the sentence why."""

    number: int
    text: str
    reason: str


@dataclass(frozen=True)
class ParsedPack:
    """A file of tags: its head, its good rows, and every other row with its reason."""

    title: str
    creator: str = ""
    description: str = ""
    source: str = ""
    licence: str = ""
    lastmod: date | None = None
    rows: tuple[TagRow, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def unknown_concepts(self) -> tuple[str, ...]:
        """Categories and concepts outside of the taxonomy: kept, and listed here."""
        used = {row.category for row in self.rows} | {row.abuse for row in self.rows}
        used |= {concept for row in self.rows for concept in row.concepts}
        return tuple(sorted(used - CONCEPTS - {""}))


@dataclass
class _Rows:
    """Collects rows; the second of two equal ones is reported."""

    networks: Networks
    rows: list[TagRow] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    seen: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def refuse(self, number: int, text: object, reason: str) -> None:
        self.rejected.append(RejectedRow(number, str(text)[:120], reason))

    def add(self, number: int, text: str, currency: str, tag: Mapping[str, object]) -> None:
        """Judge one row. `tag` holds what was said of it, the pack's head already merged in."""
        try:
            address = decode_chain_address(text, currency, self.networks)
            row = TagRow(
                number=number,
                address=address,
                label=_text(tag, "label", 200) or _missing("label"),
                category=_text(tag, "category", 40),
                concepts=_words(tag.get("concepts")),
                abuse=_text(tag, "abuse", 40),
                actor=_text(tag, "actor", 80),
                confidence=_confidence(tag),
                source=_text(tag, "source", 500) or _missing("source"),
                lastmod=_day(tag.get("lastmod")),
                is_cluster_definer=tag.get("is_cluster_definer") is True,
            )
        except (AddressError, TagFileError) as error:
            self.refuse(number, text, str(error))
            return
        key = (address.chain, address.canonical, row.label)
        if key in self.seen:
            self.refuse(number, text, f"repeats row {self.seen[key]}")
            return
        self.seen[key] = number
        self.rows.append(row)


def parse_tagpack(
    content: bytes, *, confidence: str = "", networks: Networks = (Network.TEST, Network.REGTEST)
) -> ParsedPack:
    """Read a TagPack. `confidence` stands in where neither tag nor pack names one.

    Raises TagFileError where the file is no TagPack at all.
    """
    head = _yaml(content)
    tags = head.get("tags")
    title = _text(head, "title", 200)
    if not title or not isinstance(tags, list):
        raise TagFileError("no TagPack: it needs a title and a list of tags")
    inherited = {key: value for key, value in head.items() if key not in ("tags", "title")}
    notes = []
    if confidence and "confidence" not in inherited:
        inherited["confidence"] = confidence
        notes.append(f"confidence {confidence} as given by who loads it")
    found = _Rows(networks)
    for number, tag in enumerate(tags, 1):
        if not isinstance(tag, dict):
            found.refuse(number, tag, "no tag: a row must be a mapping")
            continue
        whole = {**inherited, **tag}
        text = whole.get("address")
        if not isinstance(text, str):
            reason = "tags on transactions are not kept" if "tx_hash" in whole else "no address"
            found.refuse(number, whole.get("tx_hash", tag), reason)
            continue
        found.add(number, text, str(whole.get("currency", "")), whole)
    return ParsedPack(
        title=title,
        creator=_text(head, "creator", 120),
        description=_text(head, "description", 500),
        source=_text(head, "source", 500),
        licence=_text(head, "licence", 80) or _text(head, "license", 80),
        lastmod=_day(head.get("lastmod")),
        rows=tuple(found.rows),
        rejected=tuple(found.rejected),
        notes=tuple(notes),
    )


def parse_tag_csv(
    content: bytes,
    *,
    name: str,
    confidence: str = "",
    category: str = "",
    networks: Networks = (Network.TEST, Network.REGTEST),
) -> ParsedPack:
    """Read a CSV list: columns address, entity (or label), source; lines of `#` are comments.

    Further columns that count: category, abuse, concepts, actor, confidence, currency, lastmod.
    A row without category takes `category`, or what the file's name says. Raises TagFileError.
    """
    lines = [
        (number, line)
        for number, line in enumerate(decoded(content).splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise TagFileError("the file holds no line but comments")
    header = [cell.strip().lower() for cell in _cells(lines[0][1])]
    named = {"entity": "label", "name": "label", "license": "licence"}
    columns = [named.get(cell, cell) for cell in header]
    missing = sorted({"address", "label", "source"} - set(columns))
    if missing:
        raise TagFileError(f"the first line names no column {', '.join(missing)}")
    notes = []
    if not category and "category" not in columns:
        category = next((found for part, found in _NAMED_AFTER if part in name.lower()), "")
        if category:
            notes.append(f"category {category} as the file's name says")
    found = _Rows(networks)
    for number, line in lines[1:]:
        try:
            cells = _cells(line)
        except TagFileError as error:
            found.refuse(number, line, str(error))
            continue
        if len(cells) != len(columns):
            found.refuse(number, line, f"it has {len(cells)} cells in place of {len(columns)}")
            continue
        tag: dict[str, object] = {
            column: cell.strip() for column, cell in zip(columns, cells, strict=True)
        }
        tag["category"] = tag.get("category") or category
        tag["confidence"] = tag.get("confidence") or confidence
        found.add(number, str(tag["address"]), str(tag.get("currency", "")), tag)
    return ParsedPack(
        title=name, rows=tuple(found.rows), rejected=tuple(found.rejected), notes=tuple(notes)
    )


def _yaml(content: bytes) -> dict[str, object]:
    """A YAML mapping of plain values. Aliases are refused: a few lines could name billions."""
    text = decoded(content)
    try:
        _check_events(text)
        head = yaml.load(text, Loader=_PLAIN)  # noqa: S506  # one of the two safe loaders
    except yaml.YAMLError as error:
        said = str(error).splitlines() or ["it cannot be read"]
        raise TagFileError(f"no YAML: {said[0]}") from None
    except (ValueError, OverflowError) as error:
        raise TagFileError(f"a day or time is none: {error}") from None
    if not isinstance(head, dict):
        raise TagFileError("no TagPack: the file is no mapping")
    return head


def _check_events(text: str) -> None:
    """Refuse what a list of tags has no use for, before anything is built of it."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise TagFileError("the file uses YAML aliases, which are not read")
        if getattr(event, "tag", None):
            raise TagFileError("the file uses YAML types, which are not read")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise TagFileError(f"the file is nested more than {_DEEPEST} deep")


def decoded(content: bytes) -> str:
    """The text of a file of labels. Raises TagFileError where it is too large or no UTF-8."""
    if len(content) > MAX_BYTES:
        raise TagFileError(f"the file has more than {MAX_BYTES // 1024 // 1024} MB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TagFileError("the text is not UTF-8") from None


def _cells(line: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line)), [])
    except csv.Error as error:
        raise TagFileError(f"no CSV line: {error}") from None


def _text(tag: Mapping[str, object], key: str, maximum: int) -> str:
    value = tag.get(key)
    text = "" if value is None else " ".join(str(value).split())
    if len(text) > maximum:
        raise TagFileError(f"{key} has more than {maximum} characters")
    return text


def _missing(key: str) -> str:
    raise TagFileError(f"it names no {key}")


def _words(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else str(value or "").split(";")
    return tuple(str(item).strip()[:40] for item in items if str(item).strip())


def _confidence(tag: Mapping[str, object]) -> str:
    name = _text(tag, "confidence", 40) or UNKNOWN
    if name not in CONFIDENCE:
        raise TagFileError(f"confidence {name!r} is none of the {len(CONFIDENCE)} levels")
    return name


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        raise TagFileError(f"lastmod {value!r} is no day") from None
