"""A blind second look at a sample of dismissed alerts, and how often two people agree."""

import hashlib

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.models import Alert, SecondLook
from cases.models.second_looks import JUDGEMENTS
from cases.policy import Action, Actor, require, require_second_person
from cases.services.audit import record_event
from cases.services.errors import CaseworkError, NotFound
from cases.services.validation import require_reason
from cases.states import AlertState, InvalidTransition

ONE_IN = 10
"""How many dismissals bring one into the sample."""


def is_drawn(fingerprint: str) -> bool:
    """Whether a dismissed alert is of the sample: by its own mark, so nobody can choose."""
    return int(hashlib.sha256(f"look:{fingerprint}".encode()).hexdigest(), 16) % ONE_IN == 0


def draw_second_look(alert: Alert) -> None:
    """Put a dismissed alert into the sample, where its mark says so; once only."""
    if alert.dismissed_by_id is not None and is_drawn(alert.fingerprint):
        SecondLook.objects.get_or_create(
            alert=alert,
            defaults={
                "drawn_at": timezone.now(), "first_by_id": alert.dismissed_by_id,
                "proposed_by_id": alert.proposed_by_id,
            },
        )  # fmt: skip


@transaction.atomic
def judge_second_look(look: SecondLook, *, judgement: str, reason: str, by: Actor) -> SecondLook:
    """Judge a dismissed alert as another person. The alert itself stays as it is.

    Another than who dismissed or proposed it when it was drawn, and than who did so last: it may
    have been taken up again in between. Raises PermissionDenied, NotFound, CaseworkError,
    InvalidTransition where it is not dismissed now or was judged meanwhile.
    """
    require(by, Action.TRIAGE_ALERT)
    alert = Alert.objects.select_for_update(no_key=True).filter(pk=look.alert_id).first()
    fresh = SecondLook.objects.select_for_update(no_key=True).filter(pk=look.pk).first()
    is_seen = alert and Alert.objects.visible_to(by).filter(pk=alert.pk).exists()
    if alert is None or fresh is None or not is_seen:
        raise NotFound(_("There is no such alert."))
    require_second_person(
        by, fresh.first_by_id, fresh.proposed_by_id, alert.dismissed_by_id, alert.proposed_by_id
    )
    if alert.state != AlertState.DISMISSED:
        raise InvalidTransition(_("This alert was taken up again: there is nothing to judge."))
    words = require_reason(reason)
    if judgement not in dict(JUDGEMENTS):
        raise CaseworkError(_("Choose how you would have decided."))
    open_one = SecondLook.objects.filter(pk=fresh.pk, judged_by=None)
    if not open_one.update(
        judgement=judgement, reason=words, judged_by_id=by.person, judged_at=timezone.now()
    ):
        raise InvalidTransition(_("Somebody else has looked at this alert in the meantime."))
    fresh.refresh_from_db()
    record_event(
        None, "judge_second_look", f"second_look:{fresh.public_id}", by=by, reason=words,
        data={"judgement": judgement},
    )  # fmt: skip
    return fresh
