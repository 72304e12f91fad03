"""Separations as pages show them, with the people who decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from cases.models import Separation, Wallet
from cases.policy import Actor
from tracing import reads
from tracing.reads import KeptApart


@dataclass(frozen=True)
class ApartRow:
    """A ruling in force; `separation` is None where it stands in a case that is closed to one."""

    apart: KeptApart
    separation: Separation | None


def visible_separations(actor: Actor) -> QuerySet[Separation]:
    """Those of the cases that the actor may see."""
    rows: QuerySet[Separation] = Separation.objects.visible_to(actor)
    return rows.select_related("case", "asked_by", "decided_by")


def with_separations(found: Iterable[KeptApart], actor: Actor) -> list[ApartRow]:
    """What tracing holds apart, with who decided it and why: 1 query where there is anything."""
    told = list(found)
    wanted: list[UUID] = [each.ruling for each in told]
    rows = visible_separations(actor).filter(public_id__in=wanted) if wanted else ()
    by_id = {row.public_id: row for row in rows}
    return [ApartRow(each, by_id.get(each.ruling)) for each in told]


def separations_about(wallet: Wallet, actor: Actor) -> list[Separation]:
    """What was said of a wallet's address that is not in force, newest first: 1 query."""
    rows = visible_separations(actor).filter(
        Q(first=wallet.address) | Q(second=wallet.address), ledger=wallet.ledger
    )
    return [row for row in rows.order_by("-asked_at", "-pk") if not row.is_in_force]


def kept_apart(wallet: Wallet, first: str, second: str, actor: Actor) -> ApartRow | None:
    """The ruling that holds the clusters of two addresses apart, if one does: 1 query."""
    try:
        found = reads.kept_apart(wallet.ledger, first, second)
    except reads.LedgerMissing:
        return None
    return None if found is None else with_separations([found], actor)[0]
