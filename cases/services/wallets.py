"""Wallets of a case: one address by hand, or a pasted list with a reason for each bad line."""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Case, Wallet
from cases.policy import Action, Actor
from cases.services.audit import keyed, record_event
from cases.services.errors import CaseworkError
from cases.services.locks import enter_case
from cases.services.validation import check_fields, require_text
from tracing import reads

MAXIMUM_PASTED_LINES = 5000


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A pasted line that gave no new wallet; `number` counts from 1, `reason` is a sentence."""

    number: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class PasteReport:
    """What became of a pasted list: every line that is not blank stands in one of the two."""

    added: list[Wallet]
    rejected: list[RejectedLine]


@transaction.atomic
def add_wallet(
    case: Case,
    *,
    address: str,
    role: str,
    label: str,
    provenance: str,
    provenance_note: str,
    is_cluster: bool = False,
    by: Actor,
) -> Wallet:
    """Add one address, or the cluster it stands for, with where it came from.

    Raises PermissionDenied, CaseworkError with the reason a text is no address or is there already.
    """
    fresh = enter_case(case.pk, Action.ADD_WALLET, by=by)
    note = _provenance(provenance_note)
    try:
        parsed = reads.parse_address(address)
    except reads.AddressError as error:
        raise CaseworkError(_("This is no address: %(reason)s") % {"reason": error}) from None
    known = fresh.wallets.filter(ledger=parsed.ledger, address=parsed.canonical)
    if known.exists():
        raise CaseworkError(_("This wallet is in the case already."))
    wallet = _wallet(fresh, parsed, role, provenance, note, by)
    wallet.label, wallet.is_cluster = label.strip(), is_cluster
    check_fields(wallet, "role", "provenance", "provenance_note", "label", "address", "ledger")
    wallet.save(force_insert=True)
    _record(fresh, wallet, by)
    return wallet


@transaction.atomic
def add_wallets(
    case: Case, *, text: str, role: str, provenance: str, provenance_note: str, by: Actor
) -> PasteReport:
    """Add every good address of a pasted text and report every other line with its reason.

    Raises PermissionDenied, CaseworkError when the list is too long or its origin is missing.
    """
    fresh = enter_case(case.pk, Action.ADD_WALLET, by=by)
    note = _provenance(provenance_note)
    if text.count("\n") >= MAXIMUM_PASTED_LINES:
        raise CaseworkError(
            _("Paste at most %(number)d lines at once.") % {"number": MAXIMUM_PASTED_LINES}
        )
    lines = reads.parse_paste(text)
    if not lines:
        raise CaseworkError(_("Paste at least one address."))
    known = set(fresh.wallets.values_list("ledger", "address"))
    added: list[Wallet] = []
    rejected: list[RejectedLine] = []
    for line in lines:
        if line.address is None:
            rejected.append(RejectedLine(line.number, line.text, line.reason))
            continue
        if (line.address.ledger, line.address.canonical) in known:
            reason = line.reason or _("is in the case already")
            rejected.append(RejectedLine(line.number, line.text, reason))
            continue
        known.add((line.address.ledger, line.address.canonical))
        wallet = _wallet(fresh, line.address, role, provenance, note, by)
        if not added:
            check_fields(wallet, "role", "provenance", "provenance_note")
        wallet.save(force_insert=True)
        added.append(wallet)
        _record(fresh, wallet, by)
    return PasteReport(added, rejected)


def _provenance(note: str) -> str:
    return require_text(note, _("Say where the address comes from, such as document and page."))


def _wallet(
    case: Case, parsed: reads.ParsedAddress, role: str, provenance: str, note: str, by: Actor
) -> Wallet:
    return Wallet(
        case=case,
        ledger=parsed.ledger,
        address=parsed.canonical,
        role=role,
        provenance=provenance,
        provenance_note=note,
        added_by_id=by.person,
        added_at=timezone.now(),
    )


def _record(case: Case, wallet: Wallet, by: Actor) -> None:
    record_event(
        case, "add_wallet", f"wallet:{wallet.public_id}", by=by,
        data={
            "ledger": wallet.ledger,
            "address_key": keyed(wallet.address),
            "role": wallet.role,
            "provenance": wallet.provenance,
            "is_cluster": wallet.is_cluster,
        },
    )  # fmt: skip
