"""Another case touches this address: said without any word of it; sealed ones never."""

import pytest

from cases.models import AuditEvent, Case, CaseBlock, Task, Wallet
from cases.policy import Actor
from cases.queries.deconfliction import is_touched_elsewhere
from cases.services.deconfliction import ask_owner
from cases.services.errors import CaseworkError
from cases.services.wallets import add_wallet
from tests.casework import make_actor, make_case, make_user, person
from tests.conftest import client_of

pytestmark = pytest.mark.django_db
ADDRESS = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def hold(case: Case, by: Actor) -> Wallet:
    return add_wallet(
        case, address=ADDRESS, role="bank", label="", provenance="analyst",
        provenance_note="Seen.", by=by,
    )  # fmt: skip


def test_a_team_case_is_told_of_without_a_word_of_it_and_its_owner_asked() -> None:
    user = make_user("analyst", first_name="Ida", last_name="Sample")
    ida, mei = make_actor(user), person("analyst")
    wallet = hold(make_case(ida), ida)
    assert not is_touched_elsewhere(wallet, ida)
    other = make_case(mei, visibility="team", title="Operation Secret")
    hold(other, mei)
    client = client_of(user)
    page = client.get(f"/wallets/{wallet.public_id}/").content.decode()
    assert "Another case touches this address; ask its owner." in page
    assert other.reference not in page
    assert "Secret" not in page
    for _ in range(2):
        answer = client.post(f"/wallets/{wallet.public_id}/ask/")
        assert answer.headers["Location"] == f"/wallets/{wallet.public_id}/"
    task = Task.objects.get()
    assert (task.case, task.assignee_id) == (other, other.owner_by_id)
    assert task.title == "Ida Sample works on 1A1zP1eP…vfNa too: get in touch"
    assert wallet.case.reference not in task.title
    own = AuditEvent.objects.filter(case=wallet.case, action="ask_owner")
    assert own.count() == 2
    assert other.reference not in str(list(own.values()))
    asked = AuditEvent.objects.get(case=other, action="asked_by_colleague")
    assert asked.actor_id is None


def test_a_sealed_case_and_one_behind_a_wall_do_not_exist() -> None:
    ida, nora = person("analyst"), person("compliance")
    wallet = hold(make_case(ida), ida)
    sealed = make_case(nora, visibility="sealed")
    hold(sealed, nora)
    walled = make_case(nora)
    hold(walled, nora)
    CaseBlock.objects.create(
        case=walled, user_id=ida.person, blocked_by_id=nora.person, reason="Kin.",
        blocked_at="2025-01-01T00:00:00Z",
    )  # fmt: skip
    assert not is_touched_elsewhere(wallet, ida)
    with pytest.raises(CaseworkError, match="No other case"):
        ask_owner(wallet, by=ida)
    assert not Task.objects.exists()
    hold(make_case(nora, visibility="team"), nora)
    ask_owner(wallet, by=ida)
    assert {task.case_id for task in Task.objects.all()} >= {sealed.pk}


def test_a_case_that_one_may_see_is_named_and_needs_no_asking() -> None:
    ida = person("analyst")
    wallet = hold(make_case(ida), ida)
    hold(make_case(ida), ida)
    assert not is_touched_elsewhere(wallet, ida)
