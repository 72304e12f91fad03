"""Tags of the house: nothing is told of an address before a second person stands for it."""

import pytest
from django.db import IntegrityError, transaction

from cases.models import AuditEvent, HouseTag
from cases.policy import PermissionDenied
from cases.services.errors import CaseworkError
from cases.services.tags import activate_tag, dispute_tag, propose_tag, refuse_tag, retract_tag
from cases.states import InvalidTransition
from tests.casework import make_actor, make_user
from tests.integration.web.conftest import BANK, HOPS, Room, ledger_home, room
from tracing import reads

__all__ = ["ledger_home", "room"]
pytestmark = pytest.mark.django_db
WORDS = {
    "category": "market", "confidence": "forensic", "source": "Finding 4", "reason": "It signs.",
}  # fmt: skip


def told(address: str = BANK) -> list[str]:
    found = reads.tags_of("bitcoin-regtest", [address]).get(address)
    return [tag.label for tag in found.direct] if found else []


def propose(room: Room, label: str = "Obelisk") -> HouseTag:
    return propose_tag(room.bank, label=label, **WORDS, by=room.by)


def test_a_tag_is_told_only_while_a_second_person_stands_for_it(room: Room) -> None:
    second, third = make_actor(make_user("compliance")), make_actor(make_user("compliance"))
    tag = propose(room)
    assert told() == []
    activate_tag(tag, reason="Checked.", by=third)
    assert told() == ["Obelisk"]
    [view] = reads.tags_of("bitcoin-regtest", [BANK])[BANK].direct
    assert (view.pack, view.level, view.category) == ("Tags of this house", 50, "market")
    dispute_tag(tag, reason="The letter was forged.", by=third)
    assert told() == []
    activate_tag(tag, reason="Called back: it is genuine.", by=second)
    assert told() == ["Obelisk"]
    dispute_tag(tag, reason="Again.", by=room.by)
    retract_tag(tag, reason="Taken back.", by=third)
    assert (told(), tag.state) == ([], "retracted")
    actions = AuditEvent.objects.filter(object=f"tag:{tag.public_id}").order_by("seq")
    assert list(actions.values_list("action", flat=True)) == [
        "propose_tag", "activate_tag", "dispute_tag", "activate_tag", "dispute_tag", "retract_tag",
    ]  # fmt: skip
    again = activate_tag(propose(room), reason="New letter.", by=second)
    assert (told(), again.published) == (["Obelisk"], tag.published)


def test_who_asked_does_not_decide_and_an_analyst_never_does(room: Room) -> None:
    tag = propose(room)
    with pytest.raises(PermissionDenied):
        activate_tag(tag, reason="Mine.", by=room.by)
    senior = make_actor(make_user("compliance"))
    mine = propose_tag(room.bank, label="Mine", **WORDS, by=make_actor(make_user("compliance")))
    activate_tag(mine, reason="Fine.", by=senior)
    dispute_tag(mine, reason="No.", by=senior)
    with pytest.raises(PermissionDenied, match="second person"):
        retract_tag(mine, reason="No.", by=senior)
    with transaction.atomic(), pytest.raises(IntegrityError):
        HouseTag.objects.filter(pk=tag.pk).update(
            state="active", decided_by_id=room.by.user_id, decided_at=tag.asked_at
        )


def test_of_two_who_decide_one_is_first(room: Room) -> None:
    tag = propose(room)
    seen_by_other = HouseTag.objects.get(pk=tag.pk)
    refuse_tag(tag, reason="No source.", by=make_actor(make_user("compliance")))
    with pytest.raises(InvalidTransition):
        activate_tag(seen_by_other, reason="Fine.", by=make_actor(make_user("compliance")))
    assert told() == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"category": "nice"}, "category"),
        ({"confidence": "override"}, "confidence"),
        ({"source": "  "}, "checked"),
        ({"label": "x" * 121}, "Label"),
        ({"reason": "x" * 501}, "Reason"),
    ],
    ids=["category", "confidence", "source", "label", "reason"],
)
def test_a_proposal_that_cannot_stand_is_refused(
    room: Room, change: dict[str, str], sentence: str
) -> None:
    with pytest.raises(CaseworkError, match=sentence):
        propose_tag(room.bank, **({"label": "Obelisk"} | WORDS | change), by=room.by)
    assert not HouseTag.objects.exists()


def test_the_same_label_waits_once_and_the_inbox_asks_the_senior(room: Room) -> None:
    tag = propose(room)
    with pytest.raises(CaseworkError, match="already"):
        propose(room)
    page = room.client.get(f"/wallets/{room.bank.public_id}/").content.decode()
    assert f"/tags/{tag.public_id}/" in page
    detail = room.client.get(f"/tags/{tag.public_id}/").content.decode()
    assert "It signs." in detail
    assert room.outsider.get(f"/tags/{tag.public_id}/").status_code == 404
    assert told(HOPS[0]) == []
