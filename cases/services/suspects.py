"""Suspects, their names, the accounts linked to them, and looks at customer data."""

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import (
    Case,
    ExchangeAccount,
    ReadEvent,
    Suspect,
    SuspectAccount,
    SuspectName,
)
from cases.policy import Action, Actor
from cases.services.audit import keyed, record_event, record_read
from cases.services.errors import CaseworkError, NotFound
from cases.services.locks import enter_case
from cases.services.references import next_reference
from cases.services.self_lookups import watch_self
from cases.services.validation import check_fields, require_text


@dataclass(frozen=True, slots=True)
class Customer:
    """Who stands behind an account, shown after a purpose was recorded."""

    uid: str
    customer: str
    holder_name: str
    country: str
    kind: str
    opened_on: date | None
    state: str
    kyc_level: str


@transaction.atomic
def add_suspect(
    case: Case,
    *,
    kind: str,
    standing: str,
    role: str,
    names: list[tuple[str, str]],
    note: str = "",
    birth_year: int | None = None,
    by: Actor,
) -> Suspect:
    """Add a person, organisation or persona; `names` are (type, full name), the heading first.

    Raises PermissionDenied, CaseworkError.
    """
    fresh = enter_case(case.pk, Action.ADD_SUSPECT, by=by)
    given = [(name_type, full.strip()) for name_type, full in names if full.strip()]
    if not given:
        raise CaseworkError(_("Give at least one name."))
    if len({full for _type, full in given}) < len(given):
        raise CaseworkError(_("A name appears twice."))
    if birth_year is not None and not 1900 <= birth_year <= timezone.now().year:
        raise CaseworkError(_("Give a year of birth from 1900 on."))
    suspect = Suspect(
        case=fresh,
        kind=kind,
        standing=standing,
        role=role,
        note=note.strip(),
        birth_year=birth_year,
        added_by_id=by.person,
        added_at=timezone.now(),
    )
    check_fields(suspect, "kind", "standing", "role", "note")
    suspect.reference = next_reference("SUSP")
    suspect.save(force_insert=True)
    for name_type, full in given:
        _save_name(suspect, name_type, full)
    record_event(
        fresh, "add_suspect", suspect.reference, by=by,
        data={
            "kind": kind,
            "standing": standing,
            "role": role,
            "name_keys": [keyed(full) for _type, full in given],
        },
    )  # fmt: skip
    return suspect


@transaction.atomic
def add_name(suspect: Suspect, name_type: str, full: str, *, by: Actor) -> SuspectName:
    """Add another name of a suspect. Raises CaseworkError when it is there already."""
    fresh = enter_case(suspect.case_id, Action.ADD_SUSPECT, by=by)
    text = require_text(full, _("Give the name."))
    if suspect.names.filter(full=text).exists():
        raise CaseworkError(_("The suspect has this name already."))
    name = _save_name(suspect, name_type, text)
    record_event(
        fresh, "add_name", suspect.reference, by=by,
        data={"type": name_type, "name_key": keyed(text)},
    )  # fmt: skip
    return name


@transaction.atomic
def link_account(suspect: Suspect, account_uid: str, basis: str, *, by: Actor) -> SuspectAccount:
    """Link an exchange account to a suspect of the case, with the basis of the link.

    Raises NotFound for an unknown account, CaseworkError when it is linked already.
    """
    fresh = enter_case(suspect.case_id, Action.ADD_SUSPECT, by=by)
    text = require_text(basis, _("Say what the link rests on."))
    account = ExchangeAccount.objects.filter(uid=account_uid.strip()).first()
    if account is None:
        raise NotFound(_("The exchange's records hold no such account."))
    if suspect.accounts.filter(account=account).exists():
        raise CaseworkError(_("This account is linked to the suspect already."))
    link = SuspectAccount.objects.create(
        suspect=suspect,
        account=account,
        basis=text,
        linked_by_id=by.person,
        linked_at=timezone.now(),
    )
    record_event(
        fresh, "link_account", suspect.reference, by=by,
        data={"account": str(account.public_id)},
    )  # fmt: skip
    return link


def standing_purpose(case: Case, *, by: Actor) -> str:
    """The purpose that a person gave at the last look at a customer of this case: 1 query.

    Asked once per case: the next look offers it, and each look is kept with one all the same.
    """
    looks = ReadEvent.objects.filter(case=case, actor_id=by.person, action="reveal_customer")
    last = looks.order_by("-at", "-pk").values_list("purpose", flat=True).first()
    return last or ""


@transaction.atomic
def reveal_customer(case: Case, account: ExchangeAccount, purpose: str, *, by: Actor) -> Customer:
    """Show who stands behind an account of this case; the look is kept with its purpose.

    Only accounts that the case links, reached, asks to freeze or has in a cohort. Raises NotFound,
    CaseworkError.
    """
    fresh = enter_case(case.pk, Action.REVEAL_CUSTOMER, by=by)
    text = require_text(purpose, _("Say what you need the customer's data for."))
    mine = ExchangeAccount.objects.filter(
        Q(suspect_links__suspect__case=fresh)
        | Q(reached__case_run__case=fresh)
        | Q(freeze_lines__freeze__case=fresh)
        | Q(cohort_members__cohort__case=fresh),
        pk=account.pk,
    ).first()
    if mine is None:
        raise NotFound(_("This account is no part of the case."))
    record_read(fresh, "reveal_customer", f"account:{mine.public_id}", by=by, purpose=text)
    watch_self("customer", [mine.holder_name], by=by, case=fresh)
    return Customer(
        uid=mine.uid,
        customer=mine.customer,
        holder_name=mine.holder_name,
        country=mine.country,
        kind=mine.kind,
        opened_on=mine.opened_on,
        state=mine.state,
        kyc_level=mine.kyc_level,
    )


def _save_name(suspect: Suspect, name_type: str, full: str) -> SuspectName:
    name = SuspectName(suspect=suspect, type=name_type, full=full)
    check_fields(name, "type", "full")
    name.save(force_insert=True)
    return name
