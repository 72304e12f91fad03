"""Drafting a report from the alerts of a case: subjects, transactions, indicators, words."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.detection import FLAGS
from cases.exports.suspicion.letters import latin
from cases.exports.suspicion.profiles import PROFILES, load_profile
from cases.models import Alert, Case, ExchangeRecord, ReportSubject, SuspicionReport
from cases.policy import Action, Actor
from cases.queries.clocks import clock_for
from cases.queries.money import CURRENCY
from cases.queries.relations import with_taken_in
from cases.services.errors import CaseworkError, VersionChanged
from cases.services.locks import enter_case, require_unmerged
from cases.services.references import next_reference
from cases.services.reports.afterwards import facts_of
from cases.services.reports.chain import (
    advance_report,
    enter_report,
    raise_walls,
    record_report_event,
)
from cases.services.self_lookups import namesakes
from cases.services.validation import check_fields
from cases.states import InvalidTransition, ReportAction, ReportState

PROFILE = "ae-5.0.2"
WORDS = frozenset({"reason", "action", "indicators", "local_rate", "local_rate_source"})
PERSON = frozenset(
    {
        "first_name", "last_name", "full_name_original", "gender", "birth_on", "id_number",
        "id_type", "id_issued_on", "id_expires_on", "id_country", "nationality", "residence",
        "phone",
    }
)  # fmt: skip
AGAIN = (ReportState.VALIDATED, ReportState.IN_REVIEW)


@transaction.atomic
def draft_report(
    case: Case, alerts: Sequence[Alert], *, profile: str = PROFILE, by: Actor
) -> SuspicionReport:
    """Draft a report on alerts of the case: what fired becomes subjects, lines and indicators.

    Alerts of a case that was merged into it count as its own. Raises PermissionDenied,
    CaseworkError, InvalidTransition for a case that was merged into another.
    """
    fresh = enter_case(case.pk, Action.DRAFT_REPORT, by=by)
    require_unmerged(fresh)
    if profile not in PROFILES:
        raise CaseworkError(_("There is no such receiver."))
    chosen = list(
        Alert.objects.visible_to(by)
        .filter(case__in=with_taken_in(fresh, by), pk__in=[alert.pk for alert in alerts])
        .select_related("rule", "account").order_by("window_from", "pk")
    )  # fmt: skip
    if not chosen or len(chosen) != len({alert.pk for alert in alerts}):
        raise CaseworkError(_("Choose at least one alert of this case."))
    if by.person in namesakes(alert.account.holder_name for alert in chosen):
        raise CaseworkError(_("You may be a subject of this report: somebody else drafts it."))
    clock = clock_for("report", profile.partition("-")[0].upper())
    detected_at = min(alert.raised_at for alert in chosen)
    report = SuspicionReport.objects.create(
        reference=next_reference("REP"),
        case=fresh,
        profile=profile,
        report_code=load_profile(profile)["report_codes"][0],
        reason=scaffold(chosen),
        action=_("The accounts are watched. The customers were not told."),
        indicators=indicators_of(chosen, profile),
        drafted_by_id=by.person,
        drafted_at=timezone.now(),
        due_at=clock.ends(detected_at) if clock else None,
        due_source=clock.source if clock else "",
        last_edited_by_id=by.person,
    )
    report.alerts.set(chosen)
    firings = Q(alerts__in=chosen) | Q(alerts__merged_into__in=chosen)
    report.records.set(ExchangeRecord.objects.filter(firings).distinct())
    for account in {alert.account_id: alert.account for alert in chosen}.values():
        first, _blank, last = account.holder_name.strip().rpartition(" ")
        pattern = load_profile(profile)["name_pattern"]
        is_plain = latin(account.holder_name, pattern) == account.holder_name.strip()
        ReportSubject.objects.create(
            report=report,
            account=account,
            first_name=first[:100],
            last_name=last[:100],
            full_name_original="" if is_plain else account.holder_name,
            residence=account.country,
            gender="-",
        )
    SuspicionReport.objects.filter(pk=report.pk).update(facts=facts_of(report))
    report.refresh_from_db()
    record_report_event(report, "draft_report", by=by, data={
        "num_alerts": len(chosen), **({"clock": clock.fact} if clock else {}),
    })  # fmt: skip
    raise_walls(report, by=by)
    return report


def indicators_of(alerts: Iterable[Alert], profile: str) -> list[str]:
    """The receiver's codes of the flags that fired, each once; none where it has no codes."""
    known = load_profile(profile)
    if known.get("form") == "fincen":
        pairs = (pair for alert in alerts for flag in alert.rule.red_flags
                 for pair in FLAGS[flag].fincen)  # fmt: skip
        return list(dict.fromkeys(f"{kind}/{sort}" for kind, sort in pairs))
    only = known.get("only_indicator")
    if only is not None:
        return [str(only)]
    codes = {
        code: None
        for alert in alerts
        for flag in alert.rule.red_flags
        for code in FLAGS[flag].goaml.get(profile, ())
    }
    return list(codes)


def scaffold(alerts: Iterable[Alert]) -> str:
    """One paragraph an alert, facts only: what fired, when, how much, against which limits."""
    parts = []
    for alert in alerts:
        values = "; ".join(
            f"{value['name']}: {value['found']} (limit {value['limit']})" for value in alert.values
        )
        flags = " ".join(FLAGS[flag].text for flag in alert.rule.red_flags)
        repeated = (
            _(" The same pattern was seen %(times)d more times.") % {"times": alert.num_merged}
            if alert.num_merged
            else ""
        )
        parts.append(
            f"{flags} Between {alert.window_from:%Y-%m-%d %H:%M} and "
            f"{alert.window_to:%Y-%m-%d %H:%M} UTC, {alert.fiat:,.2f} {CURRENCY}, "
            f"{alert.records.count()} transactions. {values}.{repeated}"
        )
    return "\n\n".join(parts)


@transaction.atomic
def edit_report(
    report: SuspicionReport, *, version: int, by: Actor, **fields: Any
) -> SuspicionReport:
    """Change words, indicators or the rate; a validated report becomes a draft again.

    Raises VersionChanged, PermissionDenied, CaseworkError, InvalidTransition.
    """
    fresh = _open(report, version, by=by)
    unknown = sorted(set(fields) - WORDS)
    if unknown:
        raise CaseworkError(f"A report has no field {unknown[0]} that can be edited.")
    for name, value in fields.items():
        setattr(fresh, name, value)
    check_fields(fresh, *(name for name in fields if name != "indicators"))
    rate = fields.get("local_rate")
    if isinstance(rate, Decimal) and rate <= 0:
        raise CaseworkError(_("The rate must be above 0."))
    if "reason" in fields:  # who wrote the words anew has seen the facts as they are
        fields["facts"] = facts_of(fresh)
    _save(fresh, version, by=by, **fields)
    fields.pop("facts", None)
    record_report_event(fresh, "edit_report", by=by, data={"fields": sorted(fields)})
    return fresh


@transaction.atomic
def edit_subject(
    report: SuspicionReport, subject: ReportSubject, *, version: int, by: Actor, **fields: Any
) -> SuspicionReport:
    """Fill in what the receiver's form demands of a customer. Raises as `edit_report`."""
    fresh = _open(report, version, by=by)
    row = fresh.subjects.filter(pk=subject.pk).first()
    if row is None or set(fields) - PERSON:
        raise CaseworkError(_("This report has no such subject or field."))
    for name, value in fields.items():
        setattr(row, name, value)
    check_fields(row, *(name for name, value in fields.items() if not isinstance(value, date)))
    ReportSubject.objects.filter(pk=row.pk).update(**fields)
    _save(fresh, version, by=by)
    record_report_event(fresh, "edit_subject", by=by, data={"fields": sorted(fields)})
    raise_walls(fresh, by=by)
    return fresh


def _open(report: SuspicionReport, version: int, *, by: Actor) -> SuspicionReport:
    fresh = enter_report(report, Action.DRAFT_REPORT, by=by)
    if fresh.version != version:
        raise VersionChanged(_("Somebody else has saved this report in the meantime."))
    if ReportState(fresh.state) in AGAIN:
        advance_report(
            fresh, ReportAction.RETURN, by=by, reason=_("Edited."), file="", content_hash=""
        )
    if fresh.state != ReportState.DRAFTING:
        raise InvalidTransition(_("This report is decided: it cannot be edited."))
    return fresh


def _save(report: SuspicionReport, version: int, *, by: Actor, **fields: Any) -> None:
    saved = SuspicionReport.objects.filter(
        pk=report.pk, version=version, state=ReportState.DRAFTING.value
    ).update(**fields, last_edited_by_id=by.person, version=F("version") + 1)
    if not saved:
        raise VersionChanged(_("Somebody else has saved this report in the meantime."))
    report.refresh_from_db()
