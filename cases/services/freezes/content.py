"""What a freeze request says, what it rests on, and the hash that stands for both."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.apps import apps
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import (
    Asset,
    Balance,
    Case,
    ExchangeAccount,
    FreezeLine,
    FreezeReleaseLine,
    FreezeRequest,
    LegalInstrument,
    SeizureLine,
)
from cases.models.freezes import LEGAL_BASES
from cases.policy import Action, Role
from cases.queries.clocks import clock_book
from cases.queries.freezes import highest_worth_of
from cases.services.approval_policies import ApprovalRule, num_missing, rule_for
from cases.services.audit import content_digest
from cases.services.errors import CaseworkError, ContentChanged, NotFound
from cases.states import FindingState
from cases.times import iso

# An order of somebody else: each line cites the paper it came on.
ORDERED = frozenset({"court_order", "prosecutor_order", "police_order", "mlat", "sanctions"})
URGENT = frozenset({"urgent", "life_at_risk"})


@dataclass(frozen=True, slots=True)
class LineSpec:
    """One account's holding of one asset to hold; `requested` in base units, at least 1.

    `finding_id` or `instrument_id` is what the line rests on; a provisional hold may name it later.
    """

    account_id: int
    asset: str  # CAIP-19
    requested: int
    finding_id: int | None = None
    instrument_id: int | None = None
    beyond_balance: str = ""  # why more is asked for than the last balance shows


def amounts_content(lines: Iterable[FreezeReleaseLine | SeizureLine]) -> list[dict[str, str]]:
    """Amounts of lines as a decision is bound to them; `line__account` must be fetched."""
    return [
        {
            "line": str(each.line.public_id),
            "account": each.line.account.uid,
            "asset": each.line.asset_id,
            "amount": str(each.amount),
        }
        for each in lines
    ]


def content_hash_of(freeze: FreezeRequest) -> str:
    """SHA-256 of all that is approved with this request: its words, its lines, their evidence.

    Four queries. Times and amounts enter as strings; state and receipts do not enter.
    """
    lines = _with_evidence(freeze)
    agency = freeze.agency
    return content_digest(
        {
            "reference": freeze.reference,
            "legal_basis": freeze.legal_basis,
            "restriction": freeze.restriction,
            "urgency": freeze.urgency,
            "agency": str(agency.public_id) if agency else None,
            "reason": freeze.reason,
            "expires_at": iso(freeze.asked_until),
            "requested_by": freeze.requested_by_id,
            "version": freeze.version,
            "lines": [_line_content(line) for line in lines],
        }
    )


def _line_content(line: FreezeLine) -> dict[str, str | None]:
    finding, instrument = line.finding, line.instrument
    beyond = {"beyond_balance": line.beyond_balance} if line.beyond_balance else {}
    return {
        **beyond,
        "account": line.account.uid,
        "asset": line.asset_id,
        "requested": str(line.requested),
        "finding": finding.reference if finding else None,
        "finding_hash": finding.content_hash if finding else None,
        "instrument": f"{instrument.type} {instrument.number}" if instrument else None,
        "instrument_document": instrument.document_sha256 if instrument else None,
    }


def check_request(
    case: Case,
    lines: Sequence[LineSpec],
    *,
    legal_basis: str,
    agency_id: int | None,
    expires_at: datetime | None,
) -> None:
    """Refuse a request that names what does not exist or belongs to another case."""
    if legal_basis not in dict(LEGAL_BASES):
        raise CaseworkError(_("Choose the legal basis from the list."))
    if not lines:
        raise CaseworkError(_("Name at least one account and asset."))
    if expires_at is not None and expires_at <= timezone.now():
        raise CaseworkError(_("The end of a freeze lies in the future."))
    if agency_id is not None and (
        not apps.get_model("fiu", "Agency").objects.filter(pk=agency_id).exists()
    ):
        raise NotFound(_("This agency is not known."))
    doubled = [pair for pair, n in Counter((x.account_id, x.asset) for x in lines).items() if n > 1]
    if doubled:
        raise CaseworkError(_("An account and asset appear in two lines: combine them into one."))
    if any(line.requested < 1 for line in lines):
        raise CaseworkError(_("Each line asks for an amount above zero."))
    _check_ids(
        ExchangeAccount.objects.filter(pk__in=[x.account_id for x in lines]).count(),
        {x.account_id for x in lines},
        _("One of these accounts is not in the exchange's records."),
    )
    _check_ids(
        Asset.objects.filter(pk__in=[x.asset for x in lines]).count(),
        {x.asset for x in lines},
        _("One of these assets is not in the exchange's records."),
    )
    findings = {x.finding_id for x in lines if x.finding_id is not None}
    instruments = {x.instrument_id for x in lines if x.instrument_id is not None}
    _check_ids(
        case.findings.filter(pk__in=findings).count(),
        findings,
        _("A line cites a finding that is not in this case."),
    )
    _check_ids(
        case.instruments.filter(pk__in=instruments).count(),
        instruments,
        _("A line cites an instrument that is not in this case."),
    )


def _check_ids(found: int, asked: set[int] | set[str], sentence: str) -> None:
    if found != len(asked):
        raise NotFound(sentence)


def require_balances(lines: Sequence[LineSpec]) -> None:
    """A draft asks for no more than the last balance shows without saying why: 1 query.

    Of what has no balance in the exchange's records nothing is known. Raises CaseworkError.
    """
    balances = {
        (each.account_id, each.asset_id): each
        for each in Balance.objects.filter(
            account__in=[line.account_id for line in lines]
        ).select_related("account", "asset")
    }
    for line in lines:
        known = balances.get((line.account_id, line.asset))
        if known is not None and line.requested > known.base and not line.beyond_balance.strip():
            raise CaseworkError(
                _(
                    "Account %(account)s had less %(asset)s than that when its balance was taken:"
                    " say why more is asked for."
                )
                % {"account": known.account.masked, "asset": known.asset.symbol}
            )


def require_end_in_time(freeze: FreezeRequest, until: datetime | None) -> None:
    """Where a clock is in force for its authority or country, a freeze ends, and not later.

    Counted from now. At most 3 queries; its lines stand already. Raises CaseworkError.
    """
    clock = clock_book("freeze").of_freeze(freeze, "freeze")
    if clock.rule is None:
        return
    latest = clock.ends(timezone.now())
    if until is None or until.date() > latest.date():
        raise CaseworkError(
            _("By the clock in force this ends by %(day)s at the latest: %(source)s")
            % {"day": latest.date().isoformat(), "source": clock.source}
        )


def end_by_clock(freeze: FreezeRequest) -> datetime | None:
    """When a freeze ends that is decided now: as was asked for, else by the clock in force.

    What it rests on, and so the clock that it falls under, may have come after it was drafted.
    At most 3 queries. Raises CaseworkError where the end asked for lies beyond the clock's.
    """
    if freeze.asked_until is not None:
        require_end_in_time(freeze, freeze.asked_until)
        return freeze.asked_until
    clock = clock_book("freeze").of_freeze(freeze, "freeze")
    return clock.ends(timezone.now()) if clock.rule is not None else None


def require_evidence(freeze: FreezeRequest) -> None:
    """Each line rests on an approved finding or a verified instrument still in date.

    An order (court, prosecutor, police, mutual assistance, sanctions) needs the instrument itself.
    Raises CaseworkError with the account it fails for.
    """
    for line in _with_evidence(freeze):
        where = {"account": line.account.masked}
        if freeze.legal_basis in ORDERED and not _instrument_stands(line):
            raise CaseworkError(
                _(
                    "This legal basis needs a verified instrument in date for each line:"
                    " account %(account)s has none."
                )
                % where
            )
        if not (_finding_stands(line) or _instrument_stands(line)):
            raise CaseworkError(
                _(
                    "The line of account %(account)s cites neither an approved finding nor a"
                    " verified legal instrument in date."
                )
                % where
            )


def require_sound_evidence(freeze: FreezeRequest) -> None:
    """Lines of an urgent request may cite nothing yet; what they cite must stand already.

    Else its content would change under the hash of the request. Raises CaseworkError.
    """
    for line in _with_evidence(freeze):
        if (line.finding and not _finding_stands(line)) or (
            line.instrument and not _instrument_stands(line)
        ):
            raise CaseworkError(
                _(
                    "The line of account %(account)s cites a finding that is not approved or an"
                    " instrument that is not verified: leave it out for now."
                )
                % {"account": line.account.masked}
            )


def _with_evidence(freeze: FreezeRequest) -> QuerySet[FreezeLine]:
    return freeze.lines.select_related("account", "finding", "instrument").order_by("pk")


def _finding_stands(line: FreezeLine) -> bool:
    return line.finding is not None and line.finding.state == FindingState.APPROVED.value


def _instrument_stands(line: FreezeLine) -> bool:
    return line.instrument is not None and stands_in_date(line.instrument)


def stands_in_date(instrument: LegalInstrument) -> bool:
    """Verified by a second person and not out of date."""
    return instrument.verified_at is not None and (
        instrument.valid_until is None or instrument.valid_until >= timezone.now().date()
    )


def require_shown(freeze: FreezeRequest, shown: str) -> str:
    """The hash of the present content, which must be the one the person saw and that was stored."""
    present = content_hash_of(freeze)
    if present != shown or present != freeze.content_hash:
        raise ContentChanged(
            _("This request changed since you opened it: look at it again before you decide.")
        )
    return present


def require_standing_approval(freeze: FreezeRequest) -> None:
    """Count the approval again at execution: content, evidence, person, role, age (E4, E5).

    Raises ContentChanged, CaseworkError.
    """
    present = content_hash_of(freeze)
    if present != freeze.content_hash:
        raise ContentChanged(_("This request changed after its approval."))
    require_evidence(freeze)
    approval = (
        freeze.approvals.filter(decision="approve", content_hash=present, user=freeze.approved_by)
        .select_related("user")
        .first()
    )
    if approval is None:
        raise CaseworkError(_("Nobody approved this content."))
    rule = approval_rule(freeze, signers=freeze.approvals.values_list("user_id", flat=True))
    if timezone.now() - approval.at > rule.lasts:
        hours = int(rule.lasts.total_seconds() // 3600)
        raise CaseworkError(
            _("The approval is older than %(n)d hours: cancel and ask again.") % {"n": hours}
        )
    person = approval.user
    if not person.is_active or person.role not in rule.roles:
        raise CaseworkError(_("The approver is no longer in office: ask for a new approval."))
    if freeze.case.blocks.filter(user_id=person.pk).exists():
        raise CaseworkError(_("The approver was taken off this case: ask for a new approval."))
    if num_missing(freeze.approvals.all(), freeze.case, present, rule):
        raise CaseworkError(_("The policy asks for more approvals than still stand: ask again."))


def approval_rule(
    freeze: FreezeRequest, action: Action = Action.APPROVE_FREEZE, *, signers: Iterable[int | None]
) -> ApprovalRule:
    """How many people sign this act: 1 query, at most 4 and 2 an asset where its worth counts.

    `signers` are who signed it or is about to: a price that one of them loaded counts for nothing.
    """
    people = [each for each in signers if each is not None]
    return rule_for(action, lambda: highest_worth_of(freeze, people))


def is_in_window(freeze: FreezeRequest) -> bool:
    """Whether a provisional hold still runs, by the database's clock: 1 query."""
    rows = FreezeRequest.objects.filter(pk=freeze.pk, provisional_until__gt=Now())
    return bool(rows.exists())


def require_standing_hold(freeze: FreezeRequest) -> None:
    """The same for a provisional hold: unchanged, in its window, its author still in office."""
    person = freeze.provisional_by
    if content_hash_of(freeze) != freeze.content_hash:
        raise ContentChanged(_("This hold changed after it was placed."))
    if not is_in_window(freeze):
        raise CaseworkError(_("The window of this provisional hold is over."))
    if person is None or not person.is_active:
        raise CaseworkError(_("Whoever placed this hold is no longer in office."))
    if person.role not in (Role.SUPERVISOR.value, Role.COMPLIANCE.value):
        raise CaseworkError(_("Whoever placed this hold is no longer in office."))
