"""Cohorts: a platform's payments on the ledger, joined to the records of the exchange.

Tiers grade how a payment is tied to a customer: 1 the record itself names the platform's address,
or its account here; 2 the withdrawal went to a wallet used once, with one coin or transfer in and
out, so nobody else's money can be in it; 3 it went to a wallet that also held other money. Whose
the addresses are is judged apart: an address that tags give to somebody else counts for nobody.
What the platform paid to customers is graded the same way and shown beside it; who only was paid is
no payer and is never exported as one.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, Cohort, CohortMember, CohortPayment, Wallet
from cases.models.cohorts import PAYEE, TAG_CONFLICT, TIER_PATTERN
from cases.policy import Action, Actor, require_second_person
from cases.services.audit import record_event, record_read
from cases.services.cohort_links import Joined, account_of, joined
from cases.services.errors import CaseworkError
from cases.services.limits import take_export
from cases.services.locks import enter_case
from cases.services.validation import check_fields, require_text
from tracing import reads


def build_cohort(
    case: Case,
    *,
    platform: str,
    packages: Sequence[int] = (),
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    wallets: Sequence[Wallet] | None = None,
    asset: str = "",
    by: Actor,
) -> Cohort:
    """Find the customers who paid a platform, and those whom it paid.

    Args:
        platform: its name; addresses that a tag gives to this name belong to it too.
        packages: amounts in base units that count as payments, empty for any.
        wallets: of the case, to start from; without them all on the case's only ledger. Each
            stands for its whole co-spend cluster; an account stands for itself.
        asset: on a ledger of accounts, what payments are in; without it what it was paid in most.

    The ledger and our records are read outside of any transaction: seconds in which others write.
    The right to build is asked before and again with what is kept.

    Raises PermissionDenied, CaseworkError where there is nothing to start from.
    """
    with transaction.atomic():
        fresh = enter_case(case.pk, Action.BUILD_COHORT, by=by)
    name = require_text(platform, _("Name the platform."))
    chosen = _chosen(fresh, wallets)
    ledger = chosen[0].ledger
    starts = [wallet.address for wallet in chosen]
    try:
        found = reads.platform_payments(
            ledger, starts, name, packages, from_at, to_at, asset.strip()
        )
    except reads.SeedError as error:
        raise CaseworkError(str(error)) from None
    info = next(info for info in reads.ledgers() if info.name == ledger)
    cohort = Cohort(
        case=fresh,
        platform=name,
        ledger=ledger,
        asset=found.asset,
        packages=[str(package) for package in sorted(set(packages))],
        from_at=from_at,
        to_at=to_at,
        wallets=[str(wallet.public_id) for wallet in chosen],
        num_addresses=len(found.addresses),
        num_disputed=len(found.disputed),
        addresses_sha256=sha256("\n".join(found.addresses).encode()).hexdigest(),
        tag_packs=[[pack.name, pack.sha256] for pack in reads.tag_packs()],
        height=info.height,
        block_hash=info.tip_hash,
        num_payments=len(found.payments),
        built_by_id=by.person,
        built_at=timezone.now(),
    )
    check_fields(cohort, "platform")
    links = joined(cohort, found)
    with transaction.atomic():
        enter_case(case.pk, Action.BUILD_COHORT, by=by)
        cohort.save(force_insert=True)
        members = _keep_members(cohort, links)
        record_event(
            fresh, "build_cohort", f"cohort:{cohort.public_id}", by=by,
            data={
                "num_addresses": cohort.num_addresses,
                "num_disputed": cohort.num_disputed,
                "addresses_sha256": cohort.addresses_sha256,
                "num_members": sum(not member.kept_out for member in members),
                "num_exportable": sum(member.is_exportable for member in members),
            },
        )  # fmt: skip
    return cohort


@transaction.atomic
def export_cohort(
    cohort: Cohort, members: Sequence[CohortMember] | None = None, *, by: Actor
) -> list[CohortMember]:
    """The members that may leave the house, as a second person; the look is kept.

    Args:
        members: to export; without them every exportable one.

    Raises PermissionDenied, CaseworkError for a member told by a pattern alone, or one whose
    addresses stand in an open tag conflict.
    """
    fresh = enter_case(cohort.case_id, Action.EXPORT_COHORT, by=by)
    require_second_person(by, cohort.built_by_id)
    asked = [member.pk for member in members] if members is not None else None
    rows = CohortMember.objects.filter(cohort=cohort).select_related("account")
    found = list(rows.filter(is_exportable=True) if asked is None else rows.filter(pk__in=asked))
    if any(member.tier >= TIER_PATTERN for member in found):
        raise CaseworkError(_("A member told by a pattern alone is never exported."))
    if any(member.kept_out == PAYEE for member in found):
        raise CaseworkError(_("A member who was only paid by the platform is not exported."))
    if any(not member.is_exportable for member in found):
        raise CaseworkError(_("A member whose address has an open tag conflict is not exported."))
    if asked is not None and len(found) != len(set(asked)):
        raise CaseworkError(_("A member does not belong to this cohort."))
    take_export(by=by)
    record_event(
        fresh, "export_cohort", f"cohort:{cohort.public_id}", by=by,
        data={"num_members": len(found)},
    )  # fmt: skip
    record_read(fresh, "export_cohort", f"cohort:{cohort.public_id}", by=by)
    return sorted(found, key=lambda member: (member.tier, member.first_at, member.pk))


def _chosen(case: Case, wallets: Sequence[Wallet] | None) -> list[Wallet]:
    """The wallets to start from, of one loaded ledger."""
    rows = list(Wallet.objects.filter(case=case).order_by("pk"))
    if wallets is not None:
        asked = {wallet.pk for wallet in wallets}
        rows = [wallet for wallet in rows if wallet.pk in asked]
    if not rows:
        raise CaseworkError(_("Add the platform's payment wallets to the case first."))
    if len({wallet.ledger for wallet in rows}) > 1:
        raise CaseworkError(_("Choose wallets of one ledger."))
    if rows[0].ledger not in {info.name for info in reads.ledgers()}:
        raise CaseworkError(_("The ledger of these wallets is not loaded."))
    return rows


def _keep_members(cohort: Cohort, links: dict[str, Joined]) -> list[CohortMember]:
    """Write members and payments; a customer's tier is that of the strongest tie."""
    members, rows = [], []
    for customer, each in sorted(links.items()):
        counted = each.counted
        payments = [link for link in counted if not link.is_payout]
        is_disputed = counted[0].is_disputed
        payouts = [x for x in each.links if x.is_payout and x.is_disputed == is_disputed]
        kept_out = TAG_CONFLICT if is_disputed else "" if payments else PAYEE
        tier = min(link.tier for link in counted)
        account = account_of(min(counted, key=lambda link: (link.tier, link.at)))
        member = CohortMember(
            cohort=cohort,
            customer=customer,
            account=account,
            country=account.country,
            tier=tier,
            kept_out=kept_out,
            is_exportable=tier < TIER_PATTERN and not kept_out,
            num_payments=len(payments),
            amount=sum(link.amount for link in payments),
            num_payouts=len(payouts),
            received=sum(link.amount for link in payouts),
            first_at=min(link.at for link in counted),
            last_at=max(link.at for link in counted),
        )
        members.append(member)
        rows += [
            CohortPayment(
                member=member, record=link.record, tier=link.tier, txid=link.txid, vout=link.vout,
                address=link.address, amount=link.amount, height=link.height, at=link.at,
                is_disputed=link.is_disputed, is_payout=link.is_payout,
            )
            for link in each.links
        ]  # fmt: skip
    CohortMember.objects.bulk_create(members, batch_size=500)
    CohortPayment.objects.bulk_create(rows, batch_size=500)
    return members
