"""Making the dossier of a referral: what an agency will read, and the check that nothing leaks."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from django.apps import apps
from django.conf import settings
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from cases.dossier import (
    REDACTION_CODES,
    CounterPoint,
    Dossier,
    DossierAmount,
    DossierChange,
    DossierCustomer,
    DossierFinding,
    DossierFreeze,
    DossierLine,
    DossierRequest,
    DossierSuspect,
    DossierWallet,
    Redaction,
    Text,
    from_json,
)
from cases.dossier_difference import difference
from cases.exports.canonical_json import render as render_json
from cases.heuristics import methods_behind
from cases.models import (
    Asset,
    AuditEvent,
    CohortMember,
    ExchangeAccount,
    Finding,
    FreezeLine,
    FreezeRequest,
    InformationRequest,
    Referral,
    SharedRelease,
    Suspect,
    Wallet,
)
from cases.models.cohorts import ALTERNATIVES
from cases.models.findings import TIERS
from cases.redaction_policy import suggested
from cases.request_words import dataset_words
from cases.services.custody import office_of
from cases.services.dossier_exhibits import (
    FIELD,
    SUGGESTED,
    cited_exhibits,
    exhibits_behind,
    is_barred,
    readable_exhibits,
)
from cases.services.dossier_masks import as_told_now
from cases.services.dossier_sources import runs_behind, tags_behind
from cases.services.dossier_words import (
    FoundWords,
    SoughtWords,
    find_words,
    names_any,
    words_in_exhibit,
)
from cases.services.errors import CaseworkError
from cases.services.references import names_inner_reference
from cases.states import ReleaseState, RequestAction
from cases.times import iso

FINDING_FIELDS = ("statement", "confidence_reason", "assumptions", "alternatives", "amounts")
Numbered = TypeVar("Numbered", Suspect, Wallet)


@dataclass(frozen=True, slots=True)
class RedactableField:
    """A field that may be left out for this recipient; `key` is its place in `redactions`."""

    key: str
    object: str
    field: str
    value: str
    code: str
    suggested: str = ""  # what the policy for this recipient would leave out


class _Redactor:
    """Puts a label in place of every field that is left out."""

    def __init__(self, redactions: Mapping[str, str]) -> None:
        self._redactions = redactions

    def code(self, owner: str, field: str) -> str:
        return self._redactions.get(f"{owner}.{field}", "")

    def text(self, owner: str, field: str, value: str) -> Text:
        code = self.code(owner, field)
        return Redaction(code) if code else value


def build_dossier(referral: Referral) -> Dossier:
    """The present content of a referral as its recipient would read it: about 16 queries.

    Numbers are given anew (F1, S1, W1, Z1), accounts are masked, redacted fields are labels.
    Texts are English whatever the reader's language, so that the same content is the same bytes.
    """
    with translation.override("en"):
        dossier = _present_content(referral)
    previous = replaced_release(referral)
    if previous is None:
        return dossier
    before = from_json(json.loads(previous.dossier))
    told = as_told_now(previous, before, referral.redactions)
    changes = difference(before, dossier, told)
    words = list(_words_left_out(referral))
    return replace(
        dossier,
        replaces=previous.number,
        changes=tuple(_without(each, words) for each in changes),
    )


def replaced_release(referral: Referral) -> SharedRelease | None:
    """The release that this referral takes the place of: 1 query.

    None where it was recalled, or never opened: then the agency must not read its values, not as
    what changed either. One that a sent successor closed stays what it replaced.
    """
    if referral.supersedes is None:
        return None
    states = (ReleaseState.SHARED.value, ReleaseState.SUPERSEDED.value)
    last: SharedRelease | None = referral.supersedes.releases.order_by("-version").first()
    return last if last is not None and last.state in states else None


def _without(change: DossierChange, words: list[str]) -> DossierChange:
    """A value of before that names what is left out now is left out as well."""
    if isinstance(change.before, Redaction) or not names_any(change.before, words):
        return change
    return replace(change, before=Redaction("irrelevant"))


def _present_content(referral: Referral) -> Dossier:
    redact = _Redactor(referral.redactions)
    with translation.override("en"):
        findings = list(_findings(referral))
        suspects = _numbered("S", (s for f in findings for s in f.suspects.all()))
        wallets = _numbered("W", (w for f in findings for w in f.wallets.all()))
        assets = {asset.pk: asset for asset in Asset.objects.all()}
        runs = tuple(runs_behind(findings, referral.redactions))
        return Dossier(
            referral=referral.reference,
            agency=referral.agency.short_name,
            agency_name=referral.agency.name,
            kind=referral.get_kind_display(),
            subject=referral.subject,
            summary=redact.text(referral.reference, "summary", referral.summary),
            purpose=referral.purpose,
            legal_gateway=referral.legal_gateway,
            caveats=referral.caveats,
            tlp=referral.tlp,
            handling_code=referral.handling_code,
            language=referral.language,
            findings=tuple(
                _finding(each, f"F{n}", suspects, wallets, assets, redact)
                for n, each in enumerate(findings, 1)
            ),
            suspects=tuple(_suspect(each, n, redact) for each, n in suspects.items()),
            wallets=tuple(_wallet(each, n, redact) for each, n in wallets.items()),
            freezes=tuple(
                _freeze(each, f"Z{n}", suspects, redact)
                for n, each in enumerate(_freezes(referral), 1)
            ),
            customers=tuple(
                _customer(each, f"C{n}", assets, redact.code(referral.reference, "customers"))
                for n, each in enumerate(_members(referral), 1)
            ),
            runs=runs,
            methods=methods_behind(runs),
            tags=tuple(tags_behind(wallets, referral.redactions)),
            exhibits=tuple(exhibits_behind(referral, findings)),
            request=_request(referral),
        )


def _request(referral: Referral) -> DossierRequest | None:
    """The request that this answers, with the decision on it: 2 queries, 0 where it answers none.

    What was asked and decided never changes. Who may not see it reads a preview without it.
    """
    if referral.answers_id is None:
        return None
    asked = InformationRequest.objects.filter(pk=referral.answers_id).first()
    if asked is None:
        return None
    decided = AuditEvent.objects.filter(
        case=None, object=asked.reference, action=RequestAction.ACCEPT.value
    )
    event = decided.select_related("actor").order_by("-seq").first()
    return DossierRequest(
        reference=asked.reference,
        agency_ref=asked.agency_ref,
        instrument=asked.get_instrument_type_display(),
        number=asked.instrument_number,
        issued_by=asked.issued_by,
        issued_on=asked.issued_on.isoformat(),
        legal_basis=asked.legal_basis,
        asked=tuple(dataset_words(asked.datasets)),
        granted=tuple(dataset_words(asked.accepted_datasets)),
        decided_at=iso(asked.decided_at) or "",
        office=office_of(event) if event else "",
    )


def _findings(referral: Referral) -> QuerySet[Finding]:
    return referral.findings.order_by("reference").prefetch_related(
        "suspects__names", "wallets", "amounts", "counter_evidence", "exhibits"
    )


def _freezes(referral: Referral) -> QuerySet[FreezeRequest]:
    return referral.freezes.order_by("reference")


def _members(referral: Referral) -> QuerySet[CohortMember]:
    rows = CohortMember.objects.filter(referred__referral=referral)
    return rows.select_related("account", "cohort").prefetch_related("payments").order_by("pk")


def _customer(
    member: CohortMember, number: str, assets: Mapping[str, Asset], code: str
) -> DossierCustomer:
    asset = assets.get(member.cohort.asset)
    paid = [each for each in member.payments.all() if not each.is_payout]
    payments = sorted(paid, key=lambda each: (each.at, each.txid, each.vout))
    return DossierCustomer(
        number=number,
        holder=Redaction(code) if code else member.account.holder_name,
        account=member.account.masked,
        country=member.country,
        platform=member.cohort.platform,
        tier=member.tier,
        tier_name=member.get_tier_display(),
        asset=member.cohort.asset,
        symbol=asset.symbol if asset else member.cohort.asset.rpartition("/")[2],
        decimals=asset.decimals if asset else 0,
        base=str(member.amount),
        first_at=iso(member.first_at) or "",
        last_at=iso(member.last_at) or "",
        transactions=tuple(f"{each.txid}:{each.vout}" for each in payments),
        alternative=str(ALTERNATIVES[member.tier]),
    )


def _numbered(letter: str, rows: Iterable[Numbered]) -> dict[Numbered, str]:
    ordered = sorted(set(rows), key=lambda row: row.pk)
    return {row: f"{letter}{n}" for n, row in enumerate(ordered, 1)}


def _finding(
    finding: Finding,
    number: str,
    suspects: Mapping[Suspect, str],
    wallets: Mapping[Wallet, str],
    assets: Mapping[str, Asset],
    redact: _Redactor,
) -> DossierFinding:
    def text(field: str) -> Text:
        return redact.text(finding.reference, field, getattr(finding, field))

    code = redact.code(finding.reference, "amounts")
    return DossierFinding(
        number=number,
        kind=finding.get_kind_display(),
        severity=finding.get_severity_display(),
        statement=text("statement"),
        tier=finding.tier,
        tier_name=str(dict(TIERS)[finding.tier]),
        confidence=finding.confidence,
        confidence_reason=text("confidence_reason"),
        assumptions=text("assumptions"),
        alternatives=text("alternatives"),
        amounts=Redaction(code) if code else _amounts(finding, assets),
        counter_evidence=tuple(
            CounterPoint(each.kind, each.text)
            for each in sorted(finding.counter_evidence.all(), key=lambda row: row.pk)
        ),
        suspects=tuple(sorted(suspects[s] for s in finding.suspects.all())),
        wallets=tuple(sorted(wallets[w] for w in finding.wallets.all())),
    )


def _amounts(finding: Finding, assets: Mapping[str, Asset]) -> tuple[DossierAmount, ...]:
    found = []
    for amount in sorted(finding.amounts.all(), key=lambda row: row.pk):
        asset = assets.get(amount.asset)
        found.append(
            DossierAmount(
                label=amount.label,
                asset=amount.asset,
                symbol=asset.symbol if asset else amount.asset.rpartition("/")[2],
                decimals=asset.decimals if asset else 0,
                value=str(amount.value),
                base=str(amount.base),
                low=str(amount.low),
                high=str(amount.high),
                policy=amount.policy,
                address=amount.address,
                outpoint=amount.outpoint,
                result_sha256=amount.result_sha256,
            )
        )
    return tuple(found)


def _suspect(suspect: Suspect, number: str, redact: _Redactor) -> DossierSuspect:
    code = redact.code(suspect.reference, "names")
    names = tuple(each.full for each in sorted(suspect.names.all(), key=lambda row: row.pk))
    return DossierSuspect(
        number=number,
        kind=suspect.get_kind_display(),
        standing=suspect.get_standing_display(),
        names=Redaction(code) if code else names,
    )


def _wallet(wallet: Wallet, number: str, redact: _Redactor) -> DossierWallet:
    return DossierWallet(
        number=number,
        ledger=wallet.ledger,
        address=wallet.address,
        role=wallet.get_role_display(),
        label=redact.text(wallet.address, "label", wallet.label),
    )


def _freeze(
    freeze: FreezeRequest, number: str, suspects: Mapping[Suspect, str], redact: _Redactor
) -> DossierFreeze:
    named = set(
        ExchangeAccount.objects.filter(suspect_links__suspect__in=list(suspects)).values_list(
            "pk", flat=True
        )
    )
    lines = freeze.lines.select_related("account", "asset", "price").order_by("pk")
    return DossierFreeze(
        number=number,
        legal_basis=freeze.get_legal_basis_display(),
        restriction=freeze.get_restriction_display(),
        state=freeze.state,
        executed_at=iso(freeze.executed_at) or "",
        expires_at=iso(freeze.expires_at) or "",
        lines=tuple(_line(line, freeze, named, redact) for line in lines if line.executed),
    )


def _line(
    line: FreezeLine, freeze: FreezeRequest, named: set[int], redact: _Redactor
) -> DossierLine:
    """The account masked; its holder only where a suspect of this dossier stands behind it."""
    holder = redact.text(freeze.reference, "holder", line.account.holder_name)
    if line.account_id not in named and not isinstance(holder, Redaction):
        holder = Redaction("personal")
    price = line.price
    return DossierLine(
        account=redact.text(freeze.reference, "account", line.account.masked),
        holder=holder,
        asset=line.asset_id,
        symbol=line.asset.symbol,
        decimals=line.asset.decimals,
        requested=str(line.requested),
        executed=str(line.executed),
        held=str(line.held),
        executed_at=iso(line.executed_at) or "",
        fiat_value=f"{line.fiat_value:f}" if line.fiat_value is not None else "",
        fiat_currency=line.fiat_currency,
        price=f"{price.price.normalize():f}" if price else "",
        price_source=price.source if price else "",
        price_at=(iso(price.at) or "") if price else "",
    )


def redactable_fields(referral: Referral) -> list[RedactableField]:
    """Every field that may be left out of this referral, with its present value and code."""
    redactions = referral.redactions
    found = [(referral.reference, "summary", referral.summary)]
    for finding in _findings(referral):
        values = {name: getattr(finding, name, "") for name in FINDING_FIELDS if name != "amounts"}
        values["amounts"] = ", ".join(each.label for each in finding.amounts.all())
        found += [(finding.reference, name, values[name]) for name in FINDING_FIELDS]
        for suspect in finding.suspects.all():
            names = ", ".join(each.full for each in suspect.names.all())
            found.append((suspect.reference, "names", names))
        found += [(w.address, "label", w.label) for w in finding.wallets.all()]
    for freeze in _freezes(referral):
        masked = [line.account.masked for line in freeze.lines.select_related("account")]
        found.append((freeze.reference, "account", ", ".join(masked)))
        found.append((freeze.reference, "holder", ""))
    usual = dict(suggested(settings.FIU_HOME, referral.agency.kind, referral.agency.country))
    for exhibit in cited_exhibits(_findings(referral)):
        if not is_barred(exhibit, referral):
            found.append((exhibit.exhibit_no, FIELD, exhibit.title))
            usual[f"{exhibit.exhibit_no}.{FIELD}"] = SUGGESTED.get(exhibit.kind, "")
    num_customers = referral.members.count()
    if num_customers:
        found.append((referral.reference, "customers", str(num_customers)))
    return [
        RedactableField(
            f"{owner}.{field}",
            owner,
            field,
            value,
            redactions.get(f"{owner}.{field}", ""),
            usual.get(field, "") or usual.get(f"{owner}.{field}", ""),
        )
        for owner, field, value in dict.fromkeys(found)
        if value or field == "holder"
    ]


def check_redactions(referral: Referral, redactions: Mapping[str, str]) -> dict[str, str]:
    """The redactions that are asked for. Raises CaseworkError on an unknown field or code."""
    known = {each.key for each in redactable_fields(referral)}
    asked = {key: code for key, code in redactions.items() if code}
    if set(asked) - known:
        raise CaseworkError(_("One of these fields is not part of this referral."))
    if set(asked.values()) - set(REDACTION_CODES):
        raise CaseworkError(_("Choose the reason of a redaction from the list."))
    return asked


def refuse_leaks(referral: Referral, dossier: Dossier) -> None:
    """Refuse a dossier whose texts name what must not leave the house.

    That is a number of ours that the agency does not know, a whole account number of this case,
    another agency, or a name that a redaction takes out elsewhere. Exhibits that are plain text
    are read alike, each once for the same words; of pictures and PDF files whoever cites them
    decides. Raises CaseworkError that says which of the four.
    """
    sought = _sought(referral)
    # What the agency wrote itself tells it nothing new, and may name whom it likes.
    ours = replace(dossier, request=None)
    _refuse(referral, find_words(render_json(ours).decode(), sought))
    for sha256 in readable_exhibits(dossier):
        _refuse(referral, words_in_exhibit(sha256, sought))


def refuse_words(referral: Referral, text: str) -> None:
    """As `refuse_leaks`, of any text for the agency of this referral."""
    _refuse(referral, find_words(text, _sought(referral)))


def _sought(referral: Referral) -> SoughtWords:
    others = apps.get_model("fiu", "Agency").objects.exclude(pk=referral.agency_id)
    pairs = others.order_by("pk").values_list("short_name", "name")
    return SoughtWords(
        case=str(referral.case.public_id),
        accounts=tuple(sorted(accounts_of(referral).values_list("uid", flat=True))),
        agencies=tuple(name for pair in pairs for name in pair),
        left_out=tuple(dict.fromkeys(word for word in _words_left_out(referral) if word)),
    )


def _refuse(referral: Referral, found: FoundWords) -> None:
    named = " ".join(sorted(found.references))
    if found.case or names_inner_reference(named, referral.agency_id, [referral.reference]):
        raise CaseworkError(
            _("A text names an internal reference: take it out or leave that field out.")
        )
    if found.accounts:
        raise CaseworkError(
            _("A text names a whole account number: take it out or leave that field out.")
        )
    if found.agencies:
        raise CaseworkError(_("A text names another agency: take it out or leave that field out."))
    if found.left_out:
        raise CaseworkError(
            _("A text still names what a redaction leaves out elsewhere: leave that field out too.")
        )


def accounts_of(referral: Referral) -> QuerySet[ExchangeAccount]:
    """Every account that this case, or this referral, has to do with."""
    case = referral.case
    found = (
        ExchangeAccount.objects.filter(suspect_links__suspect__case=case)
        | ExchangeAccount.objects.filter(reached__case_run__case=case)
        | ExchangeAccount.objects.filter(freeze_lines__freeze__case=case)
        | ExchangeAccount.objects.filter(cohort_members__referred__referral=referral)
    )
    return found.distinct()


def _words_left_out(referral: Referral) -> Iterable[str]:
    """Names, labels and accounts behind the redactions of this referral."""
    codes = referral.redactions
    for finding in _findings(referral):
        for suspect in finding.suspects.all():
            if f"{suspect.reference}.names" in codes:
                yield from (each.full for each in suspect.names.all())
        for wallet in finding.wallets.all():
            if f"{wallet.address}.label" in codes and wallet.label:
                yield wallet.label
    for freeze in _freezes(referral):
        for line in freeze.lines.select_related("account"):
            if f"{freeze.reference}.account" in codes:
                yield line.account.masked
            if f"{freeze.reference}.holder" in codes:
                yield line.account.holder_name
    if f"{referral.reference}.customers" in codes:
        yield from (member.account.holder_name for member in _members(referral))
