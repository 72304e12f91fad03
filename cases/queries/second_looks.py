"""Second looks as their pages show them: those that wait, blind, and how often people agree."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from cases.models import ExchangeRecord, SecondLook
from cases.policy import Actor
from cases.proportions import Share, share_of
from cases.states import AlertState

MOST = 50
MOST_RECORDS = 200


@dataclass(frozen=True)
class LooksPage:
    """What waits for this person, and of all that were judged how many agree with the first."""

    waiting: list[SecondLook]
    agreement: Share


def second_looks(actor: Actor) -> QuerySet[SecondLook]:
    """Those that this person may judge: not the own decisions, nor alerts one may not see.

    Only while the alert is dismissed, and not by who dismissed or proposed it last.
    """
    me = actor.user_id
    return (
        SecondLook.objects.visible_to(actor)
        .filter(judged_by=None, alert__state=AlertState.DISMISSED.value)
        .exclude(first_by=me)
        .exclude(proposed_by=me)
        .exclude(alert__dismissed_by=me)
        .exclude(alert__proposed_by=me)
        .select_related("alert__rule", "alert__account")
    )


def looks_page(actor: Actor) -> LooksPage:
    """3 queries."""
    judged = SecondLook.objects.visible_to(actor).filter(judged_by__isnull=False)
    agreed = judged.filter(judgement="dismiss").count()
    return LooksPage(
        list(second_looks(actor).order_by("drawn_at", "pk")[:MOST]),
        share_of(agreed, judged.count()),
    )


def records_of(look: SecondLook) -> list[ExchangeRecord]:
    """The transactions behind the alert: 1 query."""
    rows = ExchangeRecord.objects.filter(
        Q(alerts=look.alert_id) | Q(alerts__merged_into=look.alert_id)
    )
    return list(
        rows.select_related("asset", "asset_out", "account", "counter_account")
        .distinct().order_by("at", "ref")[:MOST_RECORDS]
    )  # fmt: skip
