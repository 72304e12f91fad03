"""Warnings before a hold or freeze ends: each once, and by a mail that says nothing (E7)."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cases.models import Case, FreezeRequest, FreezeWarning
from cases.policy import Actor
from cases.queries.inbox import inbox
from cases.services.cases import block_user
from cases.services.freezes import LineSpec, lapse_provisional_freezes, place_hold
from cases.services.freezes.warnings import mail_warnings, warn_of_ends
from tests.casework import BTC, make_account, make_actor, make_asset, make_case, make_user
from tests.held import make_held

pytestmark = pytest.mark.django_db


@pytest.fixture
def supervisor() -> Actor:
    return make_actor(make_user("supervisor", email="sue@example.org"))


@pytest.fixture
def hold(supervisor: Actor) -> FreezeRequest:
    make_asset()
    case = make_case(supervisor)
    return place_hold(
        case, lines=[LineSpec(make_account().pk, BTC, 5)], urgency="urgent", reason="R.",
        by=supervisor,
    )  # fmt: skip


def left(hold: FreezeRequest, **time: float) -> None:
    FreezeRequest.objects.filter(pk=hold.pk).update(
        provisional_until=timezone.now() + timedelta(**time)
    )


def given(hold: FreezeRequest) -> list[int]:
    rows = FreezeWarning.objects.filter(freeze=hold).order_by("pk")
    return list(rows.values_list("hours", flat=True))


def test_each_warning_is_given_once_and_the_nearest_alone(hold: FreezeRequest) -> None:
    assert (warn_of_ends(), given(hold)) == (0, [])
    until = timezone.now() + timedelta(hours=11)
    FreezeRequest.objects.filter(pk=hold.pk).update(provisional_until=until)
    assert [warn_of_ends(), warn_of_ends()] == [1, 0]
    assert given(hold) == [12]
    left(hold, minutes=30)
    assert [warn_of_ends(), warn_of_ends()] == [1, 0]
    assert given(hold) == [12, 1], "the warning of 4 hours helps nobody any more"
    told = hold.case.events.filter(action="warn_freeze").order_by("seq")
    assert [each.data for each in told] == ['{"hours":12}', '{"hours":1}']
    hold.refresh_from_db()
    assert hold.state == "provisional", "nothing ends by a warning"


def test_a_lapse_is_warned_of_too(hold: FreezeRequest) -> None:
    left(hold, seconds=-1)
    assert (warn_of_ends(), lapse_provisional_freezes()) == (0, 1)
    assert given(hold) == [0]


def test_a_standing_freeze_is_warned_of_anew_after_an_extension() -> None:
    held = make_held()

    def ends_in(**time: float) -> None:
        until = timezone.now() + timedelta(**time)
        FreezeRequest.objects.filter(pk=held.freeze.pk).update(expires_at=until)

    ends_in(hours=3)
    assert (warn_of_ends(), given(held.freeze)) == (1, [4])
    ends_in(hours=3, minutes=30)
    assert (warn_of_ends(), given(held.freeze)) == (1, [4, 4])
    [row] = [row for row in inbox(held.compliance) if row.kind == "ending"]
    assert (row.words, row.tone) == ("Ends within 4 h: extend or release it", "bad")


@pytest.mark.parametrize(("hours", "tone"), [(0.5, "bad"), (3, "bad"), (11, "warn")])
def test_the_inbox_counts_the_hours(hold: FreezeRequest, hours: float, tone: str) -> None:
    left(hold, hours=hours)
    [row] = [row for row in inbox(make_actor(make_user("compliance"))) if row.kind == "freeze"]
    most = next(each for each in (1, 4, 12) if hours <= each)
    assert row.words == f"Ratify or reject this provisional hold: it lapses within {most} h"
    assert row.tone == tone


@pytest.fixture
def with_mail(settings: Any) -> None:
    settings.MAIL_URL = "smtp://mail.example"
    settings.FIU_ORIGIN = "https://fiu.example"
    settings.DEFAULT_FROM_EMAIL = "notice@example.org"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.mark.usefixtures("with_mail")
def test_a_mail_goes_to_whom_it_concerns_and_says_nothing(hold: FreezeRequest) -> None:
    case = Case.objects.get()
    walled = make_user("compliance", email="walled@example.org")
    make_user("compliance", email="cora@example.org")
    make_user("compliance", email="gone@example.org", is_active=False)
    make_user("analyst", email="other@example.org")
    block_user(case, walled.pk, "Kin.", by=make_actor(make_user("compliance")))
    left(hold, hours=3)
    assert (warn_of_ends(), mail_warnings(), mail_warnings()) == (1, 1, 0)
    told = {address for sent in mail.outbox for address in sent.to}
    assert told >= {"cora@example.org", "sue@example.org"}
    assert not told & {"walled@example.org", "gone@example.org", "other@example.org"}
    assert {(sent.subject, sent.body, sent.from_email) for sent in mail.outbox} == {
        (
            "An item awaits you",
            "An item awaits you in your inbox.\n\nhttps://fiu.example/inbox/\n",
            "notice@example.org",
        )
    }
    assert all(len(sent.to) == 1 and not sent.cc and not sent.bcc for sent in mail.outbox)


@pytest.mark.usefixtures("with_mail")
def test_a_mail_server_that_fails_is_asked_again(hold: FreezeRequest, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    left(hold, hours=3)
    assert (warn_of_ends(), mail_warnings()) == (1, 0)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert mail_warnings() == 1


def test_without_a_mail_server_nothing_is_sent(hold: FreezeRequest) -> None:
    left(hold, hours=3)
    assert (warn_of_ends(), mail_warnings()) == (1, 0)
    assert getattr(mail, "outbox", []) == []


@pytest.mark.owner
def test_the_database_keeps_a_warning_as_it_was_given(hold: FreezeRequest) -> None:
    left(hold, hours=3)
    warn_of_ends()
    FreezeWarning.objects.update(mailed_at=timezone.now())
    for sql in (
        "UPDATE cases_freezewarning SET hours = 12",
        "UPDATE cases_freezewarning SET mailed_at = NULL",
        "DELETE FROM cases_freezewarning",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
