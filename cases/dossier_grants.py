"""What a release grants its recipient, one by one: each account and personal field, or why not.

Derived from the dossier alone, so that the table, the page, the PDF and `verify.py` say the same.
No Django, no I/O.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cases.dossier import Dossier, DossierCustomer, DossierLine, Redaction, SealDecision, Text

ACCOUNT, HOLDER, NAMES = "Account", "Account holder", "Names"
GRANTED, LEFT_OUT, REFUSED = "granted", "left out", "refused"
NOT_ACCEPTED = "not_accepted"
"""Asked for and not granted by the decision on the request."""
STEPS = ("redact_referral", "approve_referral", "clear_referral")
"""Who decided what is left out, who approved it, who cleared it by law."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One account, personal field or dataset, and whether this recipient gets it.

    `about` is a number of the dossier, or the reference of the request; `account` is as the
    recipient reads it, and empty where the field belongs to none. `code` says why it was not
    granted.
    """

    number: str
    about: str
    field: str
    account: Text
    decision: str
    code: str


@dataclass(frozen=True, slots=True)
class GrantedAccount:
    """The grants of one account, person or request in one row."""

    about: str
    account: Text
    granted: tuple[str, ...]
    withheld: tuple[Grant, ...]


def grants_of(dossier: Dossier) -> list[Grant]:
    """Every grant in the order of the dossier: datasets, freezes, customers, people. O(fields).

    An account is always shown by its last characters alone; a field that its record leaves empty
    is no grant.
    """
    return [
        Grant(f"G{number}", about, field, account, decision, code)
        for number, (about, field, account, decision, code) in enumerate(_rows(dossier), 1)
    ]


def accounts_granted(dossier: Dossier) -> list[GrantedAccount]:
    """The same with one row for each account, person or request."""
    rows: dict[tuple[str, Text], list[Grant]] = {}
    for each in grants_of(dossier):
        rows.setdefault((each.about, each.account), []).append(each)
    told = []
    for (about, account), grants in rows.items():
        given = dict.fromkeys(each.field for each in grants if each.decision == GRANTED)
        gaps = {(each.field, each.code): each for each in grants if each.decision != GRANTED}
        told.append(GrantedAccount(about, account, tuple(given), tuple(gaps.values())))
    return told


def decision_on(dossier: Dossier, step: str) -> SealDecision | None:
    """Who took this step of the release, by office; None in a preview and in older releases."""
    decisions = dossier.seal.decisions if dossier.seal else ()
    return next((each for each in decisions if each.step == step), None)


def _rows(dossier: Dossier) -> Iterator[tuple[str, str, Text, str, str]]:
    if dossier.request:
        for each in dossier.request.asked:
            is_granted = each in dossier.request.granted
            decision, code = (GRANTED, "") if is_granted else (REFUSED, NOT_ACCEPTED)
            yield dossier.request.reference, each, "", decision, code
    for freeze in dossier.freezes:
        for line in freeze.lines:
            yield from _of_account(freeze.number, line)
    for customer in dossier.customers:
        yield from _of_account(customer.number, customer)
    for suspect in dossier.suspects:
        if suspect.names:
            yield (suspect.number, NAMES, "", *_decided(suspect.names))


def _of_account(
    about: str, told: DossierLine | DossierCustomer
) -> Iterator[tuple[str, str, Text, str, str]]:
    for field, value in ((ACCOUNT, told.account), (HOLDER, told.holder)):
        if value:
            yield (about, field, told.account, *_decided(value))


def _decided(value: object) -> tuple[str, str]:
    return (LEFT_OUT, value.redacted) if isinstance(value, Redaction) else (GRANTED, "")
