"""Watches: one person is told when a wallet, freeze or trace changed, and nobody else."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from cases.models import AuditEvent, FreezeRequest, FreezeWarning, Watch, WatchNotice
from cases.policy import Actor
from cases.queries.inbox import inbox
from cases.services.cases import block_user, edit_case, grant_access
from cases.services.errors import NotFound
from cases.services.wallets import add_wallet
from cases.services.watches import (
    _changes,
    add_watch,
    drop_watch,
    look_at_watches,
    mail_notices,
    read_notice,
)
from tests.casework import make_actor, make_user, person
from tests.conftest import client_of
from tests.held import Held, make_held

pytestmark = pytest.mark.django_db


@pytest.fixture
def held() -> Held:
    return make_held()


@pytest.fixture
def me() -> Actor:
    return make_actor(make_user("analyst", email="mei@example.org"))


def look() -> int:
    Watch.objects.update(looked_at=timezone.now() - timedelta(minutes=5))
    return look_at_watches()


def ends(held: Held) -> None:
    FreezeWarning.objects.create(
        freeze=held.freeze, ends_at=timezone.now(), hours=4, at=timezone.now()
    )


def told(actor: Actor) -> list[str]:
    rows = WatchNotice.objects.visible_to(actor).filter(read_at=None).order_by("pk")
    return list(rows.values_list("kind", flat=True))


def test_who_watches_a_freeze_is_told_once_and_alone(held: Held, me: Actor) -> None:
    add_watch("freeze", held.freeze.public_id, by=me)
    assert look() == 0
    ends(held)
    assert (look(), look()) == (1, 0)
    assert look_at_watches() == 0, "not again at once"
    FreezeRequest.objects.filter(pk=held.freeze.pk).update(state="decision_due")
    assert look() == 1
    assert told(me) == ["ending", "state"]
    assert told(held.analyst) == []
    rows = [row for row in inbox(me) if row.kind == "notice"]
    assert [row.reference for row in rows] == [held.freeze.reference] * 2
    assert [row for row in inbox(held.compliance) if row.kind == "notice"] == []
    for notice in WatchNotice.objects.all():
        read_notice(notice, by=held.compliance)
    assert len(told(me)) == 2, "only one's own"
    for notice in WatchNotice.objects.all():
        read_notice(notice, by=me)
    assert told(me) == []


def test_to_watch_twice_is_to_watch_once(held: Held, me: Actor) -> None:
    first = add_watch("freeze", held.freeze.public_id, by=me)
    assert add_watch("freeze", held.freeze.public_id, by=me).pk == first.pk
    drop_watch(first, by=person("supervisor"))
    assert Watch.objects.count() == 1
    drop_watch(first, by=me)
    ends(held)
    assert (Watch.objects.count(), look()) == (0, 0)
    events = AuditEvent.objects.filter(action__in=("add_watch", "drop_watch"))
    assert [each.case for each in events] == [None, None], "colleagues read the case's own chain"


def test_who_may_only_read_a_case_watches_as_well(held: Held, me: Actor) -> None:
    assert me.user_id is not None
    edit_case(held.case, version=held.case.version, visibility="team", by=held.compliance)
    grant_access(held.case, me.user_id, "read", by=held.compliance)
    assert add_watch("freeze", held.freeze.public_id, by=me).case == held.case


def test_who_no_longer_sees_the_case_is_told_nothing(held: Held, me: Actor) -> None:
    add_watch("freeze", held.freeze.public_id, by=me)
    assert me.user_id is not None
    block_user(held.case, me.user_id, "Related.", by=held.compliance)
    ends(held)
    assert look() == 0
    with pytest.raises(NotFound):
        add_watch("freeze", held.freeze.public_id, by=me)
    with pytest.raises(NotFound):
        add_watch("task", held.freeze.public_id, by=held.analyst)


@pytest.mark.parametrize(
    ("kind", "seen", "now", "kinds"),
    [
        ("wallet", "3 50 20", "4 50 30", ["moved"]),
        ("wallet", "", "4 50 30", []),
        ("freeze", "active 0", "active 1", ["ending"]),
        ("freeze", "active 1", "closed 1", ["state"]),
        ("run", "open ", "done ", ["finished"]),
        ("run", "open ", "open ", []),
        ("run", "done ", "open ", []),
        ("run", "done ", "done 2026-01-01", ["drift"]),
        ("run", "open ", "done 2026-01-01", ["finished", "drift"]),
    ],
)
def test_what_changed_is_named(kind: str, seen: str, now: str, kinds: list[str]) -> None:
    assert _changes(Watch(kind=kind, seen=seen), now) == kinds


def test_a_wallet_whose_ledger_is_not_loaded_has_not_moved(held: Held, me: Actor) -> None:
    wallet = add_wallet(
        held.case, address="bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", role="bank", label="B",
        provenance="analyst", provenance_note="Seen.", by=held.analyst,
    )  # fmt: skip
    watch = add_watch("wallet", wallet.public_id, by=me)
    assert (watch.seen, watch.name, look()) == ("", "B", 0)


def test_the_mail_names_nothing_and_goes_once(
    held: Held, me: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAIL_URL", "smtp://localhost")
    add_watch("freeze", held.freeze.public_id, by=me)
    ends(held)
    look()
    assert (mail_notices(), mail_notices()) == (1, 0)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["mei@example.org"], "An item awaits you")
    assert held.freeze.reference not in str(sent.message())


def test_the_page_starts_and_ends_a_watch(held: Held) -> None:
    client: Any = client_of(make_user("analyst"))
    page = client.get(reverse("freeze_detail", args=[held.freeze.public_id])).content.decode()
    address = reverse("watch_add", args=["freeze", held.freeze.public_id])
    assert address in page
    client.post(address)
    ends(held)
    look()
    listed = client.get(reverse("watch_list")).content.decode()
    assert "is about to end" in listed
    notice, watch = WatchNotice.objects.get(), Watch.objects.get()
    client.post(reverse("notice_read", args=[notice.public_id]))
    client.post(reverse("watch_drop", args=[watch.public_id]))
    assert "You watch nothing yet" in client.get(reverse("watch_list")).content.decode()
