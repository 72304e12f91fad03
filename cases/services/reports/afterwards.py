"""What comes after filing: the receiver's answer, and reports that follow on an earlier one.

Also what changed meanwhile: a report keeps the facts it was drafted from, and says which of them
are not so any more.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.clocks import Clock
from cases.exports.suspicion.fincen_acknowledgement import (
    Acknowledgement,
    NotAcknowledgement,
    complains_of,
    read_acknowledgement,
)
from cases.exports.suspicion.profiles import load_profile
from cases.models import ReportAcknowledgement, ReportSubject, SuspicionReport
from cases.models.reports import ANSWERS, FOLLOWING
from cases.policy import Action, Actor
from cases.queries.clocks import clock_for
from cases.queries.money import CURRENCY
from cases.services.errors import CaseworkError
from cases.services.references import next_reference
from cases.services.reports.chain import enter_report, raise_walls, record_report_event
from cases.services.validation import require_text
from cases.states import InvalidTransition, ReportState

SUBJECT_FIELDS = (
    "account_id", "first_name", "last_name", "full_name_original", "gender", "birth_on",
    "id_number", "id_type", "id_issued_on", "id_expires_on", "id_country", "nationality",
    "residence", "phone",
)  # fmt: skip


@transaction.atomic
def acknowledge_report(
    report: SuspicionReport, *, number: str = "", answer: str = "", file: str = "", by: Actor
) -> ReportAcknowledgement:
    """Keep what the receiver answered: read from its file, or as a person read it elsewhere.

    Args:
        number: the receiver's number of the report; answer: one of ANSWERS. The answer is read
            from `file` where that is an acknowledgement of FinCEN. Such a file does not name our
            report: the number, or of a rejected one the elements it complains of, must fit it.

    Raises PermissionDenied, InvalidTransition, CaseworkError.
    """
    errors: list[dict[str, str]] = []
    if file:
        fresh = _answerable(report, by)
        read = _read_for(fresh, file, number)
        answer, number, errors = read.state, read.number, list(read.errors)
    return keep_answer(report, answer, number, errors=errors, file=file, by=by)


@transaction.atomic
def keep_answer(
    report: SuspicionReport,
    answer: str,
    number: str,
    *,
    errors: Sequence[dict[str, str]] = (),
    file: str = "",
    by: Actor,
) -> ReportAcknowledgement:
    """Keep an answer that is read already; `file` is the text that it was read from.

    Raises PermissionDenied, InvalidTransition, CaseworkError.
    """
    fresh = _answerable(report, by)
    if answer not in dict(ANSWERS):
        raise CaseworkError(_("Choose what the receiver answered."))
    if answer != "rejected":
        number = require_text(number, _("Give the receiver's number of the report."))
    others = ReportAcknowledgement.objects.filter(
        report__in=SuspicionReport.objects.visible_to(by).exclude(pk=fresh.pk)
    )
    if number and others.filter(number=number[:40], report__profile=fresh.profile).exists():
        raise CaseworkError(_("This number of the receiver stands with another report already."))
    digest = hashlib.sha256(file.encode()).hexdigest() if file else ""
    row: ReportAcknowledgement = ReportAcknowledgement.objects.create(
        report=fresh, answer=answer, number=number[:40], errors=list(errors), file=file,
        sha256=digest, recorded_by_id=by.person, recorded_at=timezone.now(),
    )  # fmt: skip
    record_report_event(
        fresh, "acknowledge_report", by=by,
        data={"answer": answer, "number": row.number, "errors": len(errors), "sha256": digest},
    )  # fmt: skip
    return row


def _answerable(report: SuspicionReport, by: Actor) -> SuspicionReport:
    fresh = enter_report(report, Action.FILE_REPORT, by=by)
    if fresh.state != ReportState.FILED:
        raise InvalidTransition(_("Only a report that was filed is answered."))
    return fresh


def _read_for(report: SuspicionReport, file: str, number: str) -> Acknowledgement:
    """The part of FinCEN's file that answers this report. Raises CaseworkError."""
    if load_profile(report.profile).get("form") != "fincen":
        raise CaseworkError(_("This report went to another receiver than the file comes from."))
    try:
        read = read_acknowledgement(file.encode())
    except NotAcknowledgement as error:
        raise CaseworkError(str(error)) from None
    wanted = number.strip()
    if len(read) == 1 and not read[0].number:
        if not complains_of(read[0], report.file.encode()):
            raise CaseworkError(_("What the file complains of is not in this report's file."))
        return read[0]
    found = [each for each in read if each.number == wanted]
    if len(found) != 1:
        raise CaseworkError(
            _("Give the receiver's number of this report: the file does not name the report.")
            if not wanted
            else _("The file has no answer under this number.")
        )
    return found[0]


@transaction.atomic
def follow_report(report: SuspicionReport, *, kind: str, by: Actor) -> SuspicionReport:
    """Draft a report on a filed one: one that corrects it, or one on activity that goes on.

    Alerts, transactions, subjects and words are taken over; the receiver's number of the earlier
    one goes into the file, and one on what goes on is due by the receiver's clock for that.
    Raises PermissionDenied, InvalidTransition, CaseworkError.
    """
    fresh = enter_report(report, Action.DRAFT_REPORT, by=by)
    if kind not in dict(FOLLOWING):
        raise CaseworkError(_("Choose whether it corrects the report or goes on from it."))
    if fresh.state != ReportState.FILED:
        raise InvalidTransition(_("Only a report that was filed is followed by another."))
    if SuspicionReport.objects.filter(follows=fresh, state=ReportState.DRAFTING).exists():
        raise CaseworkError(_("A report that follows this one is being drafted already."))
    clock = clock_of_next(fresh) if kind == "continuing" else None
    made = SuspicionReport.objects.create(
        reference=next_reference("REP"), case_id=fresh.case_id, profile=fresh.profile,
        report_code=fresh.report_code, reason=fresh.reason, action=fresh.action,
        indicators=fresh.indicators, local_rate=fresh.local_rate,
        local_rate_source=fresh.local_rate_source, kind=kind, follows=fresh,
        facts=fresh.facts, drafted_by_id=by.person, drafted_at=timezone.now(),
        last_edited_by_id=by.person,
        due_at=clock.ends(fresh.filed_at) if clock and fresh.filed_at else None,
        due_source=clock.source if clock else "",
    )  # fmt: skip
    made.alerts.set(fresh.alerts.all())
    made.records.set(fresh.records.all())
    ReportSubject.objects.bulk_create(
        ReportSubject(report=made, **{name: getattr(row, name) for name in SUBJECT_FIELDS})
        for row in fresh.subjects.order_by("pk")
    )
    record_report_event(
        made, "follow_report", by=by,
        data={
            "kind": kind, "follows": fresh.reference, **({"clock": clock.fact} if clock else {}),
        },
    )  # fmt: skip
    raise_walls(made, by=by)
    return made


def clock_of_next(report: SuspicionReport) -> Clock | None:
    """How soon its receiver wants to hear again of what goes on; None without a rule: 1 query."""
    return clock_for("continuing", report.profile.partition("-")[0].upper())


def prior_number(report: SuspicionReport) -> str:
    """The receiver's number of the report that this one follows, empty without any: 1 query."""
    if report.follows_id is None:
        return ""
    rows = ReportAcknowledgement.objects.filter(report_id=report.follows_id).exclude(number="")
    found: str | None = rows.order_by("-pk").values_list("number", flat=True).first()
    return found or ""


def facts_of(report: SuspicionReport) -> dict[str, Any]:
    """What the words rest on: how often each alert fired, and each transaction: 2 queries."""
    alerts = report.alerts.annotate(num_records=Count("records"))
    return {
        "alerts": {
            str(name): [num_merged, num_records, f"{fiat:.2f}"]
            for name, num_merged, num_records, fiat in alerts.order_by("pk").values_list(
                "public_id", "num_merged", "num_records", "fiat"
            )
        },
        "records": {
            ref: [str(base), status, f"{at:%Y-%m-%dT%H:%M:%SZ}"]
            for ref, base, status, at in report.records.order_by("ref").values_list(
                "ref", "base", "status", "at"
            )
        },
    }


@dataclass(frozen=True, slots=True)
class ToldFact:
    """What the words rest on, and what is so by now; `now` is empty where nothing changed."""

    then: str
    now: str = ""


def told_facts(report: SuspicionReport) -> dict[str, ToldFact]:
    """Each alert by its public id and each transaction by its record, as drafted: 2 queries.

    What was added after the words were written is not among them: they say nothing of it.
    """
    then, now = report.facts, facts_of(report)
    if not then:
        return {}
    found = {}
    for part, say in (("alerts", _told_alert), ("records", _told_record)):
        for name, facts in now[part].items():
            before = then[part].get(name)
            if before is not None:
                found[name] = ToldFact(say(before), say(facts) if facts != before else "")
    return found


def _told_alert(facts: Sequence[Any]) -> str:
    num_merged, num_records, fiat = facts
    words = ngettext(
        "fired once, with %(num)d transactions of %(amount)s %(currency)s",
        "fired %(times)d times, with %(num)d transactions of %(amount)s %(currency)s",
        num_merged + 1,
    )
    return words % {
        "times": num_merged + 1, "num": num_records, "amount": f"{Decimal(fiat):,.2f}",
        "currency": CURRENCY,
    }  # fmt: skip


def _told_record(facts: Sequence[Any]) -> str:
    base, status, at = facts
    words = _("%(base)s base units, %(status)s, %(at)s")
    return words % {"base": base, "status": status, "at": at}
