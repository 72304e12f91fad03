"""Tags that disagree: two people say which holds, everything counts by it, and it can be undone."""

from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from cases.models import AuditEvent, TagConflict
from cases.policy import PermissionDenied
from cases.queries.wallets import exposure_of
from cases.services.attribution import import_tags
from cases.services.errors import CaseworkError
from cases.services.tag_conflicts import (
    activate_resolution,
    dispute_resolution,
    propose_resolution,
    refuse_resolution,
    retract_resolution,
)
from cases.states import InvalidTransition
from tests.casework import make_actor, make_user
from tests.conftest import client_of
from tests.integration.web.conftest import BANK, HOPS, Room, ledger_home, room
from tracing import reads

__all__ = ["ledger_home", "room"]
pytestmark = pytest.mark.django_db
LEDGER = "bitcoin-regtest"


def load(folder: Path, name: str, label: str, category: str, address: str = HOPS[0]) -> None:
    file = folder / f"{name}-{label}.yaml"
    file.write_text(
        f"title: {name}\ncreator: {name}\nsource: https://packs.sample.example/{name}\n"
        f"currency: BTC\nconfidence: {'forensic' if name == 'A' else 'web_crawl'}\n"
        f"tags:\n- address: {address}\n  label: {label}\n  category: {category}\n"
    )
    import_tags(file)


@pytest.fixture
def torn(room: Room, tmp_path: Path) -> Room:
    """Two packs name different keepers of the first hop, to which the bank paid."""
    load(tmp_path, "A", "Copperdice", "gambling")
    load(tmp_path, "B", "Lanternbox", "market")
    room.bank.address = HOPS[0]
    room.bank.save(update_fields=["address"])
    return room


def sent(room: Room) -> set[str]:
    """Categories that the bank's address meets directly."""
    found = reads.wallet_exposure(LEDGER, BANK)
    assert found is not None
    return {row.category for row in found.rows if row.direction == "sent" and row.is_direct}


def proposed(room: Room, keep: str = "Copperdice") -> TagConflict:
    return propose_resolution(room.bank, keep=keep, reason="Its own page lists it.", by=room.by)


def test_a_resolution_counts_once_a_second_person_decided_and_can_be_undone(torn: Room) -> None:
    second, third = make_actor(make_user("compliance")), make_actor(make_user("compliance"))
    assert [side.label for side in reads.sides_of(LEDGER, HOPS[0])] == ["Copperdice", "Lanternbox"]
    assert sent(torn) == {"disputed"}
    conflict = proposed(torn)
    assert sent(torn) == {"disputed"}
    with pytest.raises(PermissionDenied):
        activate_resolution(conflict, reason="Mine.", by=torn.by)
    activate_resolution(conflict, reason="Looked at the page.", by=third)
    told = reads.tags_of(LEDGER, [HOPS[0]])[HOPS[0]]
    assert told.best is not None
    assert (told.best.label, told.conflict) == ("Copperdice", ())
    assert [tag.label for tag in told.overruled] == ["Lanternbox"]
    assert (sent(torn), reads.sides_of(LEDGER, HOPS[0])) == ({"gambling"}, [])
    dispute_resolution(conflict, reason="The page was forged.", by=third)
    assert sent(torn) == {"disputed"}
    activate_resolution(conflict, reason="It is genuine.", by=second)
    assert sent(torn) == {"gambling"}
    dispute_resolution(conflict, reason="Again.", by=torn.by)
    retract_resolution(conflict, reason="Taken back.", by=third)
    assert (sent(torn), conflict.state) == ({"disputed"}, "retracted")
    rows = AuditEvent.objects.filter(object=f"tag_conflict:{conflict.public_id}").order_by("seq")
    assert [row.action.removesuffix("_resolution") for row in rows] == [
        "propose", "activate", "dispute", "activate", "dispute", "retract",
    ]  # fmt: skip


def test_a_platform_loses_the_addresses_that_are_another_ones(torn: Room) -> None:
    before = reads.platform_payments(LEDGER, [], "Lanternbox")
    assert (before.addresses, before.disputed) == ([HOPS[0]], {HOPS[0]})
    activate_resolution(proposed(torn), reason="Looked.", by=make_actor(make_user("compliance")))
    after = reads.platform_payments(LEDGER, [], "Lanternbox")
    assert (after.addresses, after.payments) == ([], [])
    rival = reads.platform_payments(LEDGER, [], "Copperdice")
    assert (rival.addresses, rival.disputed) == ([HOPS[0]], frozenset())


def test_a_claim_of_a_later_pack_opens_the_conflict_again(torn: Room, tmp_path: Path) -> None:
    second = make_actor(make_user("compliance"))
    activate_resolution(proposed(torn), reason="Looked.", by=second)
    load(tmp_path, "C", "Eastmere", "exchange")
    assert sent(torn) == {"disputed"}
    again = proposed(torn, keep="")
    load(tmp_path, "D", "Westmere", "exchange")
    with pytest.raises(CaseworkError, match="tags changed"):
        activate_resolution(again, reason="None holds.", by=second)
    again.refresh_from_db()
    refuse_resolution(again, reason="Other tags came.", by=second)
    nobody = proposed(torn, keep="")
    activate_resolution(nobody, reason="None holds.", by=second)
    told = reads.tags_of(LEDGER, [HOPS[0]])[HOPS[0]]
    assert (told.direct, len(told.overruled), sent(torn)) == ((), 4, set())
    assert exposure_of(torn.bank) is not None


def test_what_cannot_be_resolved_is_refused_in_one_sentence(torn: Room) -> None:
    with pytest.raises(CaseworkError, match="side by side"):
        proposed(torn, keep="Hydra")
    with pytest.raises(CaseworkError, match="reason"):
        propose_resolution(torn.bank, keep="Copperdice", reason=" ", by=torn.by)
    first = proposed(torn)
    with pytest.raises(CaseworkError, match="waits"):
        proposed(torn, keep="Lanternbox")
    late = TagConflict.objects.get(pk=first.pk)
    refuse_resolution(first, reason="No.", by=make_actor(make_user("compliance")))
    with pytest.raises(InvalidTransition):
        activate_resolution(late, reason="Yes.", by=make_actor(make_user("compliance")))
    torn.bank.address = BANK
    with pytest.raises(CaseworkError, match="do not disagree"):
        proposed(torn)


def test_the_database_holds_the_second_person_and_the_words(torn: Room) -> None:
    conflict = proposed(torn)
    rows = TagConflict.objects.filter(pk=conflict.pk)
    with transaction.atomic(), pytest.raises(IntegrityError):
        rows.update(state="active", decided_by_id=torn.by.user_id)
    with transaction.atomic(), pytest.raises(IntegrityError):
        rows.update(keep="Lanternbox")


def test_the_page_shows_both_sides_and_leads_to_the_decision(torn: Room) -> None:
    page = f"/wallets/{torn.bank.public_id}/"
    assert f"{page}tag-conflict/" in torn.client.get(page).content.decode()
    form = torn.client.get(f"{page}tag-conflict/").content.decode()
    assert "Copperdice (A, 50)" in form
    assert "Lanternbox (B, 20)" in form
    assert torn.client.post(f"{page}tag-conflict/", {"keep": "x", "reason": "y"}).status_code == 422
    told = {"keep": "Copperdice", "reason": "Its own page lists it."}
    detail = torn.client.post(f"{page}tag-conflict/", told).headers["Location"]
    assert torn.outsider.get(detail).status_code == 404
    senior = client_of(make_user("compliance"))
    assert detail in senior.get("/inbox/").content.decode()
    answer = senior.post(f"{detail}activate/", {"reason": "Looked at the page."})
    assert answer.headers["Location"] == detail
    shown = torn.client.get(page).content.decode()
    assert "Overruled by this house" in shown
    assert "Lanternbox" in shown
    assert "Tags disagree" not in shown
