"""Validating, reviewing, approving and filing a report."""

import hashlib
from dataclasses import asdict
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.exports.suspicion import fincen, goaml, schema
from cases.exports.suspicion.profiles import load_profile
from cases.exports.suspicion.values import CannotRender
from cases.models import ReportApproval, SuspicionReport
from cases.policy import (
    Action,
    Actor,
    Role,
    require_second_person,
    require_step_up,
)
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.reports.chain import advance_report, enter_report
from cases.services.reports.content import values_of
from cases.services.validation import require_reason, require_text
from cases.states import REPORT, ReportAction, ReportState, next_state


@transaction.atomic
def validate_report(report: SuspicionReport, *, by: Actor) -> SuspicionReport:
    """Make the file and ask both engines; the report is validated only when they agree.

    Raises PermissionDenied, InvalidTransition, CaseworkError with what is missing or not valid.
    """
    fresh = enter_report(report, Action.DRAFT_REPORT, by=by)
    next_state(REPORT, ReportState(fresh.state), ReportAction.VALIDATE)
    now = timezone.now().replace(microsecond=0)
    profile = load_profile(fresh.profile)
    try:
        render = fincen.render if profile.get("form") == "fincen" else goaml.render
        made = render(values_of(fresh, now), profile)
        folder = Path(settings.GOAML_XSD_DIR)
        verdict = schema.validate(made.content, folder, profile["schema"])
    except (CannotRender, schema.NoSchema) as error:
        raise CaseworkError(str(error)) from None
    if not verdict.is_valid:
        first = [
            f"{engine}: {errors[0][:240]}" for engine, errors in verdict.errors.items() if errors
        ]
        raise CaseworkError(
            _("The file is not valid by the receiver's schema. %(errors)s")
            % {"errors": " ".join(first)}
        )
    digest = hashlib.sha256(made.content).hexdigest()
    advance_report(
        fresh, ReportAction.VALIDATE, by=by,
        data={"content_hash": digest, "engines": verdict.engines},
        file=made.content.decode(), content_hash=digest, validated_at=now,
        losses=[asdict(loss) for loss in made.losses],
        engines={"engines": verdict.engines, "repairs": list(verdict.repairs)},
    )  # fmt: skip
    return fresh


@transaction.atomic
def review_report(report: SuspicionReport, *, by: Actor) -> SuspicionReport:
    """Compliance takes a validated report into review."""
    fresh = enter_report(report, Action.REVIEW_REPORT, by=by)
    advance_report(fresh, ReportAction.REVIEW, by=by)
    return fresh


@transaction.atomic
def return_report(report: SuspicionReport, *, reason: str, by: Actor) -> SuspicionReport:
    """Back to its author, with the reason; the file goes and with it every approval."""
    fresh = enter_report(report, Action.REVIEW_REPORT, by=by)
    text = require_reason(reason)
    advance_report(fresh, ReportAction.RETURN, by=by, reason=text, file="", content_hash="")
    return fresh


@transaction.atomic
def approve_report(
    report: SuspicionReport, *, content_hash: str, reason: str, by: Actor
) -> SuspicionReport:
    """Approve the file as a second person, by the hash that was shown.

    Raises PermissionDenied, StepUpRequired, ContentChanged, InvalidTransition.
    """
    fresh = enter_report(report, Action.APPROVE_REPORT, by=by)
    text = require_reason(reason)
    require_second_person(by, fresh.drafted_by_id, fresh.last_edited_by_id)
    require_step_up(by)
    next_state(REPORT, ReportState(fresh.state), ReportAction.APPROVE)
    present = hashlib.sha256(fresh.file.encode()).hexdigest()
    if not present == content_hash == fresh.content_hash:
        raise ContentChanged(
            _("This report changed since you opened it: look at it again before you decide.")
        )
    ReportApproval.objects.create(
        report=fresh, user_id=by.person, decision="approve", reason=text, content_hash=present,
        auth_at=by.mfa_at, at=timezone.now(),
    )  # fmt: skip
    advance_report(
        fresh, ReportAction.APPROVE, by=by, reason=text, data={"content_hash": present},
        approved_by_id=by.person, approved_at=timezone.now(),
    )  # fmt: skip
    return fresh


@transaction.atomic
def file_report(report: SuspicionReport, *, transport: str, by: Actor) -> SuspicionReport:
    """Keep that and how the approved file went to the receiver; the approval must still stand.

    Raises PermissionDenied, InvalidTransition, CaseworkError.
    """
    fresh = enter_report(report, Action.FILE_REPORT, by=by)
    way = require_text(transport, _("Say how the file went to the receiver."))
    next_state(REPORT, ReportState(fresh.state), ReportAction.FILE)
    digest = hashlib.sha256(fresh.file.encode()).hexdigest()
    people = get_user_model().objects.filter(is_active=True, role=Role.COMPLIANCE.value)
    approved = fresh.approvals.filter(
        content_hash=digest, decision="approve", user__in=people.values("pk")
    ).exclude(user__in=fresh.case.blocks.values("user_id"))
    if not approved.exists():
        raise CaseworkError(_("Nobody who may approve stands behind this file any more."))
    advance_report(
        fresh, ReportAction.FILE, by=by, reason=way, transport=way[:80], filed_by_id=by.person,
        filed_at=timezone.now(),
    )  # fmt: skip
    return fresh
