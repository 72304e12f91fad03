"""Two owners: two people hold two clusters apart, whatever spends from both, and can undo it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.test import Client

from cases.models import AuditEvent, Separation, Wallet
from cases.policy import Actor, PermissionDenied
from cases.services.cases import start_case
from cases.services.errors import CaseworkError
from cases.services.separations import (
    activate_separation,
    dispute_separation,
    propose_separation,
    refuse_separation,
    retract_separation,
)
from cases.services.wallets import add_wallet
from cases.states import InvalidTransition
from fiu.models import User
from tests.blockmaker import BlockChain, address, pay
from tests.casework import make_actor, make_case, make_user
from tests.conftest import client_of
from tests.integration.api.conftest import browser_of, made, program_of
from tests.integration.ledgers.test_reads import chain
from tracing import reads
from tracing.ledgers import load_blocks

__all__ = ["chain"]
pytestmark = pytest.mark.django_db
LEDGER = "bitcoin-regtest"


@dataclass(frozen=True)
class Desk:
    """A case with the wallet of address 1, which one transaction spends with 2, 3 blocks later 4
    and 5 with 2; its owner, a second person and somebody who sees the case of neither."""

    wallet: Wallet
    by: Actor
    second: Actor
    client: Client
    senior: Client
    outsider: Client


@pytest.fixture
def desk(chain: BlockChain) -> Desk:
    analyst, senior = make_user("analyst"), make_user("compliance")
    by = make_actor(analyst)
    case = start_case(make_case(by, visibility="team"), by=by)
    wallet = add_wallet(
        case, address=address(1), role="service", label="One", provenance="document",
        provenance_note="Letter", by=by,
    )  # fmt: skip
    return Desk(
        wallet, by, make_actor(senior), client_of(analyst), client_of(senior),
        client_of(make_user("analyst")),
    )  # fmt: skip


def proposed(desk: Desk, other: str = "") -> Separation:
    return propose_separation(
        desk.wallet, other=other or address(5), reason="Two shops, two people.",
        basis="Register of companies, 3 May.", by=desk.by,
    )  # fmt: skip


def members(number: int = 1) -> int:
    found = reads.cluster(LEDGER, address(number))
    assert found is not None
    return found.num_addresses


def test_it_holds_once_a_second_person_decided_and_until_two_took_it_back(desk: Desk) -> None:
    separation = proposed(desk)
    assert [both for _, both in separation.joins] == [False, False]
    assert members() == 4
    with pytest.raises(PermissionDenied):
        activate_separation(separation, reason="Mine.", by=desk.by)
    activate_separation(separation, reason="Read the register.", by=desk.second)
    assert (members(), members(5)) == (2, 1)
    dispute_separation(separation, reason="One owner of both shops.", by=desk.second)
    assert (members(), separation.is_in_force) == (2, True)  # one person alone ends nothing
    third = make_actor(make_user("compliance"))
    activate_separation(separation, reason="They are two.", by=third)
    dispute_separation(separation, reason="A new document.", by=desk.by)
    with pytest.raises(PermissionDenied):
        retract_separation(separation, reason="Mine.", by=desk.by)
    retract_separation(separation, reason="One owner.", by=desk.second)
    assert (members(), separation.state) == (4, "retracted")
    rows = AuditEvent.objects.filter(object=f"separation:{separation.public_id}").order_by("seq")
    assert [row.action.removesuffix("_separation") for row in rows] == [
        "propose", "activate", "dispute", "activate", "dispute", "retract",
    ]  # fmt: skip
    assert proposed(desk).pk != separation.pk  # and it may be said again


def test_a_transaction_of_both_is_named_and_merges_nobody(desk: Desk) -> None:
    separation = proposed(desk, address(2))
    ((txid, both),) = separation.joins
    assert both
    activate_separation(separation, reason="Two keys, one payment.", by=desk.second)
    held = reads.kept_apart(LEDGER, address(1), address(2))
    assert held is not None
    assert (held.txid, held.both, held.again) == (txid, True, 0)
    page = desk.client.get(f"/wallets/{desk.wallet.public_id}/cluster/").text
    for words in ("Kept apart", "Two shops, two people.", "Register of companies", "One transact"):
        assert words in page
    together = desk.client.post(
        f"/wallets/{desk.wallet.public_id}/together/", {"first": address(1), "last": address(2)}
    )
    assert together.status_code == 200
    assert "Two shops, two people." in together.text
    detail = desk.client.get(f"/separations/{separation.public_id}/").text
    assert "spends coins of both" in detail
    assert txid in detail


def test_why_it_is_stays_with_those_who_see_the_case(desk: Desk) -> None:
    activate_separation(proposed(desk), reason="Read it.", by=desk.second)
    other = make_user("analyst")
    by = make_actor(other)
    case = start_case(make_case(by, visibility="team"), by=by)
    wallet = add_wallet(
        case, address=address(2), role="service", label="Two", provenance="document",
        provenance_note="Letter", by=by,
    )  # fmt: skip
    page = client_of(other).get(f"/wallets/{wallet.public_id}/cluster/").text
    assert "Why is written in a case that is closed to you." in page
    assert "Two shops" not in page
    assert "Register" not in page


def test_what_cannot_be_said_is_refused_in_one_sentence(
    desk: Desk, chain: BlockChain, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for other, words in (
        (address(1), "another address"), (address(99), "has not seen"), ("bc1nothing", "no addr"),
        (" ", "Name the other"),
    ):  # fmt: skip
        with pytest.raises(CaseworkError, match=words):
            proposed(desk, other)
    with pytest.raises(CaseworkError, match="rests on"):
        propose_separation(desk.wallet, other=address(5), reason="So.", basis=" ", by=desk.by)
    first = proposed(desk)
    with pytest.raises(CaseworkError, match="held apart, or it waits"):
        proposed(desk)
    late = Separation.objects.get(pk=first.pk)
    refuse_separation(first, reason="No.", by=desk.second)
    with pytest.raises(InvalidTransition):
        activate_separation(late, reason="Yes.", by=desk.second)
    # What joins them is others now: the second person has not seen that.
    alone = proposed(desk, address(6))
    assert alone.joins == []
    txs = chain.blocks[5].txs[1], chain.blocks[1].txs[0]
    late_coin = chain.add()
    own = pay([(late_coin.txs[0].txid, 0)], [(address(1), 5_000)])
    chain.add(own)
    both = pay([(own.txid, 0), (txs[0].txid, 0)], [(address(7), 5_100)])
    chain.add(both)
    file = tmp_path_factory.mktemp("more") / "blk00000.dat"
    file.write_bytes(b"".join(block.record for block in chain.blocks))
    load_blocks(settings.FIU_HOME, "bitcoin", [file])
    with pytest.raises(CaseworkError, match="changed since"):
        activate_separation(alone, reason="Yes.", by=desk.second)
    alone.refresh_from_db()
    assert alone.state == "proposed"
    again = refuse_separation(alone, reason="Look anew.", by=desk.second)
    assert again.state == "refused"
    assert [txid for txid, _ in proposed(desk, address(6)).joins] == [both.txid]


def test_the_database_holds_the_second_person_and_the_words(desk: Desk) -> None:
    rows = Separation.objects.filter(pk=proposed(desk).pk)
    with transaction.atomic(), pytest.raises(IntegrityError):
        rows.update(state="active", decided_by_id=desk.by.user_id)
    with transaction.atomic(), pytest.raises(IntegrityError):
        rows.update(second=address(6))


def test_the_page_leads_from_the_cluster_to_the_decision(desk: Desk) -> None:
    page = f"/wallets/{desk.wallet.public_id}/"
    assert f"{page}separation/" in desk.client.get(f"{page}cluster/").text
    assert desk.client.post(f"{page}separation/", {"other": address(5)}).status_code == 422
    told = {"other": address(5), "reason": "Two shops.", "basis": "Register."}
    detail = desk.client.post(f"{page}separation/", told).headers["Location"]
    assert detail in desk.client.get(f"{page}cluster/").text
    assert desk.outsider.get(detail).status_code == 404
    assert detail in desk.senior.get("/inbox/").text
    answer = desk.senior.post(f"{detail}activate/", {"reason": "Read the register."})
    assert answer.headers["Location"] == detail
    assert "Held apart" in desk.client.get(detail).text
    assert members() == 2


def test_a_program_proposes_it_and_a_second_person_decides_in_a_browser(desk: Desk) -> None:
    program = program_of(User.objects.get(pk=desk.by.user_id))
    body = {"other": address(5), "reason": "Two shops.", "basis": "Register."}
    path = f"wallets/{desk.wallet.public_id}/separations"
    row = made(program.post(path, body))
    assert (row["first"], row["second"]) == tuple(sorted((address(1), address(5))))
    assert [join["both"] for join in row["joins"]] == [False, False]
    assert program.post(path, body).status_code == 422
    assert made(program.get("separations", state="proposed"), 200)["rows"] == [row]
    senior = browser_of(User.objects.get(pk=desk.second.user_id))
    told = made(senior.post(f"separations/{row['id']}/activate", {"reason": "Read it."}), 200)
    assert (told["state"], members()) == ("active", 2)
