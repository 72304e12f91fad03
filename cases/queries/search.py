"""The search box: what kind of text it is, and which visible rows it names."""

import re
from dataclasses import dataclass, field

from django.db.models import Q

from cases.models import (
    Alert,
    Case,
    CohortMember,
    Finding,
    FreezeLine,
    FreezeRequest,
    InformationRequest,
    Operation,
    ReachedAccount,
    Referral,
    Suspect,
    SuspectAccount,
    Wallet,
)
from cases.policy import Actor
from tracing import reads
from tracing.reads import AddressError, AddressSummary, ParsedAddress

MOST = 20
REFERENCE = re.compile(r"(CASE|SUSP|FIND|FRZ|REF|OP|REQ)-[0-9]{4}-[0-9]{6}", re.IGNORECASE)
TXID = re.compile(r"[0-9a-fA-F]{64}(:[0-9]{1,9})?")
# As screens show an account, such as "Account ••OP-1": the mark and the word may be left out.
ACCOUNT_END = re.compile(r"(?:account\s+)?(?:••|\*\*)?\s*([0-9A-Za-z._-]{4})", re.IGNORECASE)


@dataclass
class Found:
    """What a text was taken for and the rows it names; only what the actor may see."""

    text: str
    kind: str = "words"
    address: ParsedAddress | None = None
    summary: AddressSummary | None = None
    cases: list[Case] = field(default_factory=list)
    wallets: list[Wallet] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    freezes: list[FreezeRequest] = field(default_factory=list)
    referrals: list[Referral] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    requests: list[InformationRequest] = field(default_factory=list)
    accounts: list[SuspectAccount] = field(default_factory=list)
    reached: list[ReachedAccount] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    members: list[CohortMember] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(
            (
                self.cases, self.wallets, self.suspects, self.findings, self.freezes,
                self.referrals, self.accounts, self.reached, self.operations, self.requests,
                self.alerts, self.members,
            )
        )  # fmt: skip


def search(text: str, actor: Actor) -> Found:
    """Recognise the text and look it up: at most 8 queries and one ledger read."""
    text = text.strip()
    found = Found(text)
    if not text:
        return found
    if REFERENCE.fullmatch(text):
        _by_reference(found, actor)
    elif TXID.fullmatch(text):
        _by_transaction(found, actor)
    elif not _by_address(found, actor):
        _by_words(found, actor)
    return found


def _by_reference(found: Found, actor: Actor) -> None:
    found.kind = "reference"
    name = found.text.upper()
    series = name.partition("-")[0]
    if series == "CASE":
        found.cases = list(Case.objects.visible_to(actor).filter(reference=name))
    elif series == "SUSP":
        found.suspects = _suspects(actor, Q(reference=name))
    elif series == "FIND":
        rows = Finding.objects.visible_to(actor).filter(reference=name)
        found.findings = list(rows.select_related("case"))
    elif series == "FRZ":
        freezes = FreezeRequest.objects.visible_to(actor).filter(reference=name)
        found.freezes = list(freezes.select_related("case"))
    elif series == "OP":
        found.operations = list(Operation.objects.visible_to(actor).filter(reference=name))
    elif series == "REQ":
        asked = InformationRequest.objects.visible_to(actor).filter(reference=name)
        found.requests = list(asked.select_related("agency"))
    else:
        referrals = Referral.objects.visible_to(actor).filter(reference=name)
        found.referrals = list(referrals.select_related("case", "agency"))


def _by_transaction(found: Found, actor: Actor) -> None:
    found.kind = "transaction"
    reached = ReachedAccount.objects.visible_to(actor).filter(
        outpoint__startswith=found.text.lower()
    )
    found.reached = list(reached.select_related("account", "case_run__case")[:MOST])
    findings = Finding.objects.visible_to(actor).filter(
        amounts__outpoint__startswith=found.text.lower()
    )
    found.findings = list(findings.select_related("case").order_by("reference")[:MOST])


def _by_address(found: Found, actor: Actor) -> bool:
    try:
        parsed = reads.parse_address(found.text)
    except AddressError:
        return False
    found.kind, found.address = "address", parsed
    if parsed.ledger in {ledger.name for ledger in reads.ledgers()}:
        found.summary = reads.address_summary(parsed.ledger, parsed.canonical)
    wallets = Wallet.objects.visible_to(actor).filter(
        ledger=parsed.ledger, address=parsed.canonical
    )
    found.wallets = list(wallets.select_related("case").order_by("pk")[:MOST])
    reached = ReachedAccount.objects.visible_to(actor).filter(address=parsed.canonical)
    found.reached = list(reached.select_related("account", "case_run__case")[:MOST])
    return True


def _by_words(found: Found, actor: Actor) -> None:
    text = found.text
    end = ACCOUNT_END.fullmatch(text)
    account = Q(account__uid=text)
    if end:
        account |= Q(account__uid__iendswith=end.group(1))
    accounts = SuspectAccount.objects.visible_to(actor).filter(account)
    found.accounts = list(accounts.select_related("account", "suspect__case")[:MOST])
    reached = ReachedAccount.objects.visible_to(actor).filter(account)
    found.reached = list(reached.select_related("account", "case_run__case").order_by("pk")[:MOST])
    if end:
        _by_account_end(found, actor, account)
    if found.accounts or found.reached or found.freezes or found.alerts or found.members:
        found.kind = "account"
    found.suspects = _suspects(actor, Q(names__full__icontains=text))
    cases = Case.objects.visible_to(actor).filter(
        Q(title__icontains=text) | Q(tags__icontains=text.lstrip("#"))
    )
    found.cases = list(cases.order_by("-updated_at")[:MOST])
    wallets = Wallet.objects.visible_to(actor).filter(label__icontains=text)
    found.wallets = list(wallets.select_related("case").order_by("pk")[:MOST])


def _by_account_end(found: Found, actor: Actor, account: Q) -> None:
    """Where else screens show accounts: freezes, alerts and cohorts."""
    lines = FreezeLine.objects.visible_to(actor).filter(account)
    freezes = FreezeRequest.objects.visible_to(actor).filter(pk__in=lines.values("freeze"))
    found.freezes = list(freezes.select_related("case").order_by("-reference")[:MOST])
    alerts = Alert.objects.visible_to(actor).filter(account, merged_into=None)
    found.alerts = list(alerts.select_related("account", "rule").order_by("-raised_at")[:MOST])
    members = CohortMember.objects.visible_to(actor).filter(account)
    found.members = list(members.select_related("account", "cohort__case").order_by("pk")[:MOST])


def _suspects(actor: Actor, which: Q) -> list[Suspect]:
    rows = Suspect.objects.visible_to(actor).filter(which).select_related("case")
    return list(rows.prefetch_related("names").order_by("reference")[:MOST])
