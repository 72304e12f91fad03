"""Loading labels: tag packs and sanctions lists, each version whole or not at all.

Loading a file twice changes nothing. A later version of a pack or list supersedes the earlier one,
whose rows stay: what was decided on them can still be read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from hashlib import file_digest, sha256
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F

from tracing.engine.addresses import Network
from tracing.engine.chains import decode_chain_address
from tracing.engine.sanctions import parse_list
from tracing.engine.tagging import CONFIDENCE
from tracing.engine.tagpacks import ParsedPack, RejectedRow, parse_tag_csv, parse_tagpack
from tracing.errors import TagFileError
from tracing.ledgers import names
from tracing.models import AttributionTag, SanctionsEntry, SanctionsList, TagPack
from tracing.states import LabelState
from tracing.tag_sets import HOUSE, PUBLISHED, WITHDRAWN, keep_tag_set

BATCH = 1000
HOUSE_PACK = "Tags of this house"


@dataclass(frozen=True)
class LabelReport:
    """What became of one file: every row is stored or stands in `rejected`.

    Args:
        num_added: rows written now, 0 where this version was loaded before.
        chains: stored rows by family, such as bitcoin, evm, tron.
        supersedes: short hash of the version it replaces, empty for none; num_before: its rows.
        is_active: whether this version is the one that counts now.
    """

    file: str
    name: str
    sha256: str
    num_added: int
    num_stored: int
    chains: dict[str, int]
    rejected: list[RejectedRow]
    unknown_concepts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    supersedes: str = ""
    categories: dict[str, int] = field(default_factory=dict)
    num_before: int = 0
    is_active: bool = True


def load_tags(path: Path, *, confidence: str = "", category: str = "") -> LabelReport:
    """Load one TagPack (YAML) or CSV list of tags.

    Args:
        confidence: level for a file that names none; category: for a CSV that names none.

    Raises TagFileError where the file cannot be used, or is older than what is loaded.
    """
    if confidence and confidence not in CONFIDENCE:
        raise TagFileError(f"confidence must be one of {', '.join(CONFIDENCE)}")
    content = _content(path)
    networks = _test_networks()
    if path.suffix.lower() in (".yaml", ".yml"):
        pack = parse_tagpack(content, confidence=confidence, networks=networks)
    else:
        pack = parse_tag_csv(
            content, name=path.stem, confidence=confidence, category=category, networks=networks
        )
    digest = sha256(content).hexdigest()
    with transaction.atomic():
        stored = TagPack.objects.filter(sha256=digest).first()
        num_added, supersedes, num_before = 0, "", 0
        if stored is None:
            stored, before = _add_pack(path, digest, pack)
            num_added = len(pack.rows)
            if before is not None:
                supersedes, num_before = before.sha256[:8], before.num_tags
            keep_tag_set()
    counted = Counter(stored.tags.values_list("family", flat=True))
    return LabelReport(
        file=path.name,
        name=stored.name,
        sha256=digest,
        num_added=num_added,
        num_stored=stored.num_tags,
        chains=dict(sorted(counted.items())),
        rejected=[RejectedRow(*row) for row in stored.rejected],
        unknown_concepts=pack.unknown_concepts,
        notes=tuple(stored.notes),
        supersedes=supersedes,
        categories=dict(sorted(Counter(row.category for row in pack.rows).items())),
        num_before=num_before,
        is_active=stored.state == LabelState.ACTIVE,
    )


def load_sanctions(
    path: Path, *, name: str = "", as_of: date | None = None, listed_on: date | None = None
) -> LabelReport:
    """Load one list of sanctioned addresses: text, OFAC's XML, or entities of OpenSanctions.

    Args:
        name: of the list; without one the file's. as_of: the day the list stands for, where the
            file does not say it; listed_on: day of listing, the same for every entry without one.

    A text list's currency is told by the file's name. Raises TagFileError.
    """
    currency = path.stem.rpartition("_")[2] if "_" in path.stem else ""
    try:
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
            file.seek(0)
            found = parse_list(file, currency=currency, networks=_test_networks())
    except OSError as error:
        raise _unreadable(error) from None
    if not found.rows:
        raise TagFileError("no line holds an address that can be listed")
    with transaction.atomic():
        stored = SanctionsList.objects.filter(sha256=digest).first()
        num_added, supersedes, num_before = 0, "", 0
        if stored is None:
            title = name or path.stem
            before = SanctionsList.objects.filter(name=title, state=LabelState.ACTIVE).first()
            if before is not None:
                SanctionsList.objects.filter(pk=before.pk).update(state=LabelState.SUPERSEDED)
                supersedes, num_before = before.sha256[:8], before.num_entries
            stored = SanctionsList.objects.create(
                name=title, file_name=path.name[-120:], sha256=digest, as_of=found.as_of or as_of,
                num_entries=len(found.rows), rejected=_rejected(found.rejected),
            )  # fmt: skip
            num_added = len(found.rows)
            SanctionsEntry.objects.bulk_create(
                [
                    SanctionsEntry(
                        list=stored, number=row.number, chain=row.address.chain,
                        address=row.address.canonical, family=row.address.family,
                        payload_hex=row.address.payload_hex, currency=row.currency[:12],
                        entry=row.entry, listed_on=row.listed_on or listed_on,
                    )
                    for row in found.rows
                ],
                batch_size=BATCH,
            )  # fmt: skip
            keep_tag_set()
    counted = Counter(stored.entries.values_list("family", flat=True))
    return LabelReport(
        file=path.name,
        name=stored.name,
        sha256=digest,
        num_added=num_added,
        num_stored=stored.num_entries,
        chains=dict(sorted(counted.items())),
        rejected=[RejectedRow(*row) for row in stored.rejected],
        supersedes=supersedes,
        num_before=num_before,
        is_active=stored.state == LabelState.ACTIVE,
    )


@dataclass(frozen=True)
class HouseTag:
    """A tag that two people of this installation stand for, on a ledger's canonical address."""

    ledger: str
    address: str
    label: str
    category: str
    confidence: str
    source: str


def publish_tag(tag: HouseTag) -> int:
    """Keep a tag of the house, or bring one back that was withdrawn; its number.

    Call it in the transaction of the decision. Raises AddressError; TagFileError for an unknown
    confidence.
    """
    if tag.confidence not in CONFIDENCE:
        raise TagFileError(f"confidence must be one of {', '.join(CONFIDENCE)}")
    address = decode_chain_address(tag.address, networks=_test_networks())
    chain = names.CHAIN[tag.ledger]  # told by the wallet: EVM chains share one form
    pack, _ = TagPack.objects.get_or_create(
        sha256=HOUSE, defaults={"name": HOUSE_PACK, "file_name": "", "num_tags": 0}
    )
    row, is_new = AttributionTag.objects.get_or_create(
        pack=pack, chain=chain, address=tag.address, label=tag.label,
        defaults={
            "number": pack.num_tags + 1, "family": address.family,
            "payload_hex": address.payload_hex, "category": tag.category,
            "confidence": tag.confidence, "level": CONFIDENCE[tag.confidence],
            "source": tag.source,
        },
    )  # fmt: skip
    if is_new:
        TagPack.objects.filter(pk=pack.pk).update(num_tags=F("num_tags") + 1)
    else:
        AttributionTag.objects.filter(pk=row.pk).update(state=PUBLISHED)
    keep_tag_set()
    return int(row.pk)


def withdraw_tag(number: int) -> None:
    """Take a tag of the house out of what is told of its address; the row stays."""
    AttributionTag.objects.filter(pk=number, pack__sha256=HOUSE).update(state=WITHDRAWN)
    keep_tag_set()


def _add_pack(path: Path, digest: str, pack: ParsedPack) -> tuple[TagPack, TagPack | None]:
    """Write a new version; the one before it of this name and creator is superseded."""
    before = TagPack.objects.active().filter(name=pack.title, creator=pack.creator).first()
    if before is not None and before.lastmod and pack.lastmod and pack.lastmod < before.lastmod:
        raise TagFileError(f"{pack.title} of {before.lastmod} is loaded; this version is older")
    stored = TagPack(
        name=pack.title, creator=pack.creator, description=pack.description, source=pack.source,
        licence=pack.licence, file_name=path.name[-120:], sha256=digest, lastmod=pack.lastmod,
        num_tags=len(pack.rows), rejected=_rejected(pack.rejected), notes=list(pack.notes),
    )  # fmt: skip
    if before is not None:
        # The database holds one active version, so the new one waits until the old one made way.
        stored.state, stored.superseded_by = LabelState.SUPERSEDED, before
        stored.save(force_insert=True)
        TagPack.objects.filter(pk=before.pk).update(
            state=LabelState.SUPERSEDED, superseded_by=stored
        )
        stored.state, stored.superseded_by = LabelState.ACTIVE, None
        stored.save(update_fields=["state", "superseded_by"])
    else:
        stored.save(force_insert=True)
    AttributionTag.objects.bulk_create(
        [
            AttributionTag(
                pack=stored, number=row.number, chain=row.address.chain,
                address=row.address.canonical, family=row.address.family,
                payload_hex=row.address.payload_hex, label=row.label, category=row.category,
                concepts=list(row.concepts), abuse=row.abuse, actor=row.actor,
                confidence=row.confidence, level=CONFIDENCE[row.confidence], source=row.source,
                lastmod=row.lastmod, is_cluster_definer=row.is_cluster_definer,
            )
            for row in pack.rows
        ],
        batch_size=BATCH,
    )  # fmt: skip
    return stored, before


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> TagFileError:
    """Who asked knows the file and names it."""
    return TagFileError(f"it cannot be read: {error.strerror}")


def _rejected(rows: tuple[RejectedRow, ...]) -> list[list[object]]:
    return [[row.number, row.text, row.reason] for row in rows]


def _test_networks() -> list[Network]:
    """Test and regtest share base58 forms: the one whose ledger is loaded comes first."""
    present = names.present(settings.FIU_HOME)
    both = [Network.TEST, Network.REGTEST]
    return [*sorted(both, key=lambda network: names.NAME[network] not in present), Network.MAIN]
