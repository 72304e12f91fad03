"""Sanctions lists to rows: OFAC's text lists, its two XML forms, and OpenSanctions entities.

Every address is accepted or reported with its number and reason. The chain is told by the address,
never by the label: a list of USDT holds Bitcoin, Ethereum and TRON. Sources: the XML of OFAC's
Sanctions List Service (`SDN_ADVANCED.XML`, `SDN.XML`), and FollowTheMoney entities, one JSON
object a line, as OpenSanctions publishes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import IO, Any, Final, TypeAlias, cast

from lxml import etree

from tracing.engine.addresses import Network
from tracing.engine.chains import ChainAddress, decode_chain_address
from tracing.engine.tagpacks import Networks, RejectedRow, decoded
from tracing.errors import AddressError, TagFileError

MAX_LINE: Final = 4 * 1024 * 1024
TEST_NETWORKS: Final = (Network.TEST, Network.REGTEST)
_WORD: Final = re.compile(r"[^\s,;]+")
_DIGITAL: Final = "Digital Currency Address"
LISTED: Final = "sanction"
"""The FollowTheMoney topic of those on a list; `sanction.linked` does not say so."""
DEEPEST: Final = 8

Entity: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ListRow:
    """One address of a sanctions list, with its text as it stands there."""

    number: int
    address: ChainAddress
    entry: str
    currency: str
    listed_on: date | None = None


@dataclass(frozen=True)
class ParsedList:
    """A sanctions list: its good rows, and every other one with its reason."""

    rows: tuple[ListRow, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    as_of: date | None = None


@dataclass
class _Rows:
    """Collects addresses; the second of two equal ones is reported."""

    networks: Networks
    unit: str = "line"
    rows: list[ListRow] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)

    def refuse(self, number: int, text: str, reason: str) -> None:
        self.rejected.append(RejectedRow(number, text[:120], reason))

    def add(
        self, number: int, text: str, currency: str, entry: str, listed_on: date | None = None
    ) -> None:
        try:
            address = decode_chain_address(text, currency, self.networks)
        except AddressError as error:
            self.refuse(number, text, str(error))
            return
        key = (address.chain, address.canonical)
        if key in self.seen:
            self.refuse(number, text, f"repeats {self.unit} {self.seen[key]}")
            return
        self.seen[key] = number
        self.rows.append(ListRow(number, address, entry[:200], currency, listed_on))

    def done(self, as_of: date | None = None) -> ParsedList:
        return ParsedList(tuple(self.rows), tuple(self.rejected), as_of)


def parse_list(
    file: IO[bytes], *, currency: str = "", networks: Networks = TEST_NETWORKS
) -> ParsedList:
    """Read a list in the form that its first character tells: XML, JSON lines, or text.

    Args:
        currency: what a text list is labelled with; the other forms say it themselves.

    Raises TagFileError. Cost: one pass; of XML and JSON one party at a time is in memory, and what
    names its addresses.
    """
    first = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    file.seek(0)
    if first == b"<":
        return parse_sdn(file, networks=networks)
    if first == b"{":
        return parse_entities(file, networks=networks)
    return parse_sanctions(file.read(), currency=currency, networks=networks)


def parse_sanctions(
    content: bytes, *, currency: str = "", networks: Networks = TEST_NETWORKS
) -> ParsedList:
    """Read a text list: one address a line, `#` starts a comment. Raises TagFileError."""
    found = _Rows(networks)
    for number, line in enumerate(decoded(content).splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        word = _WORD.match(entry)
        found.add(number, word.group() if word else entry, currency, entry)
    return found.done()


# OFAC's XML


@dataclass
class _Party:
    """Who is listed: addresses as (currency, text), in the order of the file."""

    name: str
    uid: str
    addresses: list[tuple[str, str]]
    programs: list[str] = field(default_factory=list)
    listed_on: date | None = None

    @property
    def entry(self) -> str:
        programs = f", {', '.join(sorted(set(self.programs)))}" if self.programs else ""
        return f"{self.name} (SDN {self.uid}{programs})"


def parse_sdn(file: IO[bytes], *, networks: Networks = TEST_NETWORKS) -> ParsedList:
    """Read `SDN_ADVANCED.XML` or `SDN.XML`: each digital currency address of each party.

    The number of a row is the address's place in the file. Only the first form says since when a
    party is listed. Raises TagFileError.
    """
    found = _Rows(networks, "address")
    reader = _Advanced()
    parties: list[_Party] = []
    number = 0
    try:
        for element in _ended(file):
            parties += reader.take(element)
    except etree.XMLSyntaxError as error:
        raise TagFileError(f"no XML: {error.msg}") from None
    if not reader.is_list:
        raise TagFileError("no sanctions list: neither <Sanctions> nor <sdnList> is its root")
    for party in parties:
        for currency, text in party.addresses:
            number += 1
            found.add(number, text, currency, party.entry, party.listed_on)
    return found.done(reader.as_of)


def _ended(file: IO[bytes]) -> Iterator[etree._Element]:
    """Each element at its end; those of a list's first levels are let go after their use."""
    events = etree.iterparse(
        file, events=("end",), resolve_entities=False, load_dtd=False, no_network=True,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    for _event, element in events:
        yield element
        if _name(element) in ("DistinctParty", "SanctionsEntry", "sdnEntry", "IDRegDocument"):
            element.clear()
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]


class _Advanced:
    """What is remembered between the parts of a file: types, parties by profile, the day."""

    def __init__(self) -> None:
        self.is_list = False
        self.as_of: date | None = None
        self._currency_of_type: dict[str, str] = {}
        self._by_profile: dict[str, _Party] = {}

    def take(self, element: etree._Element) -> list[_Party]:
        """The parties that are complete now. Of the advanced form all are, at the file's end."""
        name = _name(element)
        if name == "FeatureType" and (element.text or "").startswith(_DIGITAL):
            self._currency_of_type[element.get("ID", "")] = _currency(element.text or "")
        elif name == "DistinctParty":
            self._take_party(element)
        elif name == "SanctionsEntry":
            self._take_entry(element)
        elif name == "DateOfIssue":
            self.as_of = _day_of(element)
        elif name == "Publish_Date":
            self.as_of = _american_day(element.text or "")
        elif name == "sdnEntry":
            return _plain_party(element)
        elif name == "sdnList":
            self.is_list = True
        elif name == "Sanctions":
            self.is_list = True
            return list(self._by_profile.values())
        return []

    def _take_party(self, element: etree._Element) -> None:
        kinds = self._currency_of_type
        addresses = [
            (kinds[kind], (detail.text or "").strip())
            for feature in _all(element, "Feature")
            if (kind := feature.get("FeatureTypeID", "")) in kinds
            for detail in _all(feature, "VersionDetail")
        ]
        if not addresses:
            return
        uid = element.get("FixedRef", "")
        aliases = list(_all(element, "Alias"))
        primary = [alias for alias in aliases if alias.get("Primary") == "true"] or aliases
        parts = (part for alias in primary[:1] for part in _all(alias, "NamePartValue"))
        names = [text for part in parts if (text := (part.text or "").strip())]
        profile = next(_all(element, "Profile"), element).get("ID", uid)
        self._by_profile[profile] = _Party(" ".join(names) or "no name", uid, addresses)

    def _take_entry(self, element: etree._Element) -> None:
        party = self._by_profile.get(element.get("ProfileID", ""))
        if party is None:
            return
        days = [day for event in _all(element, "EntryEvent") if (day := _day_of(event))]
        if days:
            party.listed_on = min(days)
        party.programs += [
            text
            for measure in _all(element, "SanctionsMeasure")
            for comment in _all(measure, "Comment")
            if (text := (comment.text or "").strip())
        ]


def _plain_party(element: etree._Element) -> list[_Party]:
    """A party of `SDN.XML`, if it has an address."""
    addresses = [
        (_currency(kind), _text_of(each, "idNumber"))
        for each in _all(element, "id")
        if (kind := _text_of(each, "idType")).startswith(_DIGITAL)
    ]
    if not addresses:
        return []
    parts = [_text_of(element, "firstName"), _text_of(element, "lastName")]
    programs = [(each.text or "").strip() for each in _all(element, "program")]
    name = " ".join(part for part in parts if part) or "no name"
    return [_Party(name, _text_of(element, "uid"), addresses, programs)]


def _name(element: etree._Element) -> str:
    """The name without its namespace: OFAC has changed that twice."""
    return str(element.tag).rpartition("}")[2]


def _all(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (each for each in element.iterdescendants(f"{{*}}{name}"))


def _text_of(element: etree._Element, name: str) -> str:
    """Text of the first child of this name."""
    return next(((each.text or "").strip() for each in element.iterchildren(f"{{*}}{name}")), "")


def _currency(text: str) -> str:
    return text.removeprefix(_DIGITAL).strip(" -")[:12]


def _day_of(element: etree._Element) -> date | None:
    """The first Year, Month and Day below."""
    parts = [
        next(((each.text or "").strip() for each in _all(element, name)), "")
        for name in ("Year", "Month", "Day")
    ]
    try:
        return date(*map(int, parts))
    except (ValueError, OverflowError):  # no number, no day, or a year of thirty digits
        return None


def _american_day(text: str) -> date | None:
    try:
        return datetime.strptime(text.strip(), "%m/%d/%Y").date()  # noqa: DTZ007  # a day alone
    except ValueError:
        return None


# OpenSanctions


def parse_entities(lines: Iterable[bytes], *, networks: Networks = TEST_NETWORKS) -> ParsedList:
    """Read FollowTheMoney entities, one JSON object a line: wallets of sanctioned holders.

    A wallet counts as listed by its own topic or that of a holder in the same file; entities may
    hold others inside of them. Rows are numbered by line. Raises TagFileError.
    """
    found, known = _Rows(networks), _Known()
    for number, line in enumerate(lines, 1):
        if line.strip():
            known.take(_object(line, number), number, ())
    for number, wallet, holders in known.wallets:
        texts = _values(wallet, "publicKey") or _values(wallet, "cryptoAddress")
        listed = [key for key in (*holders, wallet["id"]) if key in known.listed]
        if not listed:
            for text in texts:
                found.refuse(number, text, "neither the wallet nor its holder is on a list here")
            continue
        names = [known.captions[key] for key in (*listed, *holders) if key in known.captions]
        days = [day for key in listed for day in known.listed[key]]
        currency = (_values(wallet, "currency") or _values(wallet, "currencySymbol") or [""])[0]
        sets = ", ".join(_strings(wallet.get("datasets")))
        entry = (names or [_caption(wallet)])[0] + (f" ({sets})" if sets else "")
        for text in texts:
            found.add(number, text, currency[:12], entry, min(days, default=None))
    if not known.wallets:
        raise TagFileError("no entity of this file is a CryptoWallet")
    return found.done()


class _Known:
    """What a file says of everybody: entities name each other across its lines."""

    def __init__(self) -> None:
        self.wallets: list[tuple[int, Entity, tuple[str, ...]]] = []
        self.captions: dict[str, str] = {}
        self.listed: dict[str, list[date]] = {}

    def take(self, entity: Entity, number: int, around: tuple[str, ...]) -> None:
        """Keep an entity and those inside of it; `around` are the ids of those it lies in."""
        own = entity["id"]
        if entity["schema"] == "CryptoWallet":
            self.wallets.append((number, entity, (*around, *_values(entity, "holder"))))
        elif entity["schema"] == "Sanction":
            days = _values(entity, "listingDate") + _values(entity, "startDate")
            for key in (*around[-1:], *_values(entity, "entity")):
                self.listed.setdefault(key, []).extend(filter(None, map(_iso_day, days)))
        else:
            self.captions[own] = _caption(entity)
        if any(topic == LISTED for topic in _values(entity, "topics")):
            self.listed.setdefault(own, [])
        if len(around) < DEEPEST:
            for values in entity["properties"].values():
                for value in values if isinstance(values, list) else ():
                    if _is_entity(value):
                        self.take(value, number, (*around, own))


def _object(line: bytes, number: int) -> Entity:
    if len(line) > MAX_LINE:
        raise TagFileError(f"line {number} is longer than {MAX_LINE} bytes")
    try:
        entity = json.loads(line)
    except (ValueError, RecursionError):
        raise TagFileError(f"line {number} is no JSON") from None
    if not _is_entity(entity):
        raise TagFileError(f"line {number} is no entity: it needs id, schema and properties")
    return cast("Entity", entity)


def _is_entity(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("id"), str)
        and isinstance(value.get("schema"), str)
        and isinstance(value.get("properties"), dict)
    )


def _values(entity: Entity, name: str) -> list[str]:
    return _strings(entity["properties"].get(name))


def _strings(values: object) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _caption(entity: Entity) -> str:
    caption = entity.get("caption")
    return caption if isinstance(caption, str) else (_values(entity, "name") or [entity["id"]])[0]


def _iso_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None
