"""Rulings: which claims of tags count no longer, and which addresses are of two owners.

Whoever decides stands in the casework; here is only what every read of tags needs to know.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from tracing.ledgers import names
from tracing.models import OverruledClaim, TwoOwners
from tracing.tag_sets import keep_tag_set

BATCH = 1000


def overrule_claims(ledger: str, claims: Iterable[tuple[str, str]], *, ruling: UUID) -> int:
    """From now on these (address, label) claims count nowhere; how many there are.

    Call it in the transaction of the decision. Twice changes nothing.
    """
    chain = names.CHAIN[ledger]
    rows = [
        OverruledClaim(chain=chain, address=address, label=label, ruling=ruling)
        for address, label in sorted(set(claims))
    ]
    OverruledClaim.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    OverruledClaim.objects.filter(ruling=ruling).update(is_active=True)
    keep_tag_set()
    return len(rows)


def lift_ruling(ruling: UUID) -> int:
    """What the ruling overruled counts again, unless another one overrules it too; how many."""
    num = OverruledClaim.objects.filter(ruling=ruling, is_active=True).update(is_active=False)
    keep_tag_set()
    return num


def hold_apart(ledger: str, addresses: tuple[str, str], *, ruling: UUID) -> None:
    """From now on no transaction joins the clusters of these two addresses.

    Call it in the transaction of the decision. Twice changes nothing.
    """
    first, second = sorted(addresses)
    row = TwoOwners(chain=names.CHAIN[ledger], first=first, second=second, ruling=ruling)
    TwoOwners.objects.bulk_create([row], ignore_conflicts=True)
    TwoOwners.objects.filter(ruling=ruling).update(is_active=True)
    keep_tag_set()


def join_again(ruling: UUID) -> None:
    """What the ruling held apart is joined by whatever transaction joins it."""
    TwoOwners.objects.filter(ruling=ruling).update(is_active=False)
    keep_tag_set()
