"""A sample of dismissed alerts is judged again, blind, by somebody else."""

import pytest
from django.db import IntegrityError, transaction

from cases.models import Alert, SecondLook
from cases.policy import Actor, PermissionDenied
from cases.queries.second_looks import looks_page
from cases.services import second_looks
from cases.services.alerts import dismiss_alert, propose_dismissal, reopen_alert
from cases.services.errors import CaseworkError
from cases.services.second_looks import ONE_IN, is_drawn, judge_second_look
from cases.states import InvalidTransition
from fiu.models import User
from tests.casework import make_actor, person
from tests.conftest import client_of
from tests.report_desk import make_alert

pytestmark = pytest.mark.django_db


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> SecondLook:
    """A grave alert, proposed by one and dismissed by another, that is of the sample."""
    monkeypatch.setattr(second_looks, "ONE_IN", 1)
    alert = make_alert()
    why = {"disposition": "false_positive", "reason": "Secret9 reason."}
    propose_dismissal(alert, **why, by=person("analyst"))
    dismiss_alert(alert, **why, by=person("supervisor"))
    return SecondLook.objects.get(alert=alert)


def people_of(look: SecondLook) -> list[Actor]:
    return [
        make_actor(user)
        for user in User.objects.filter(pk__in=[look.first_by_id, look.proposed_by_id])
    ]


def test_the_sample_is_drawn_by_the_alerts_own_mark() -> None:
    drawn = sum(is_drawn(f"mark-{n}") for n in range(2_000))
    assert 150 < drawn < 250
    assert ONE_IN == 10


def test_an_alert_is_drawn_once_whatever_happens_to_it(look: SecondLook) -> None:
    alert = Alert.objects.get(pk=look.alert_id)
    reopen_alert(alert, reason="New facts.", by=person("supervisor"))
    assert SecondLook.objects.count() == 1


def test_an_alert_that_was_taken_up_again_is_judged_by_neither_pair(look: SecondLook) -> None:
    alert, judge = Alert.objects.get(pk=look.alert_id), person("analyst")
    again = person("supervisor")
    reopen_alert(alert, reason="New facts.", by=again)
    assert looks_page(judge).waiting == [], "it is not dismissed"
    with pytest.raises(InvalidTransition, match="taken up again"):
        judge_second_look(look, judgement="dismiss", reason="R.", by=judge)
    why = {"disposition": "false_positive", "reason": "Still."}
    proposer = person("analyst")
    propose_dismissal(alert, **why, by=proposer)
    dismiss_alert(alert, **why, by=again)
    for who in (again, proposer, *people_of(look)):
        assert looks_page(who).waiting == []
        with pytest.raises(PermissionDenied, match="second person"):
            judge_second_look(look, judgement="dismiss", reason="Mine.", by=who)
    assert looks_page(judge).waiting == [look]
    judge_second_look(look, judgement="dismiss", reason="Agreed.", by=judge)


def test_another_person_judges_and_agreement_is_counted(look: SecondLook) -> None:
    judge = person("analyst")
    assert looks_page(judge).waiting == [look]
    judged = judge_second_look(look, judgement="pursue", reason="Pattern.", by=judge)
    assert judged.judged_by_id == judge.pk
    page = looks_page(judge)
    assert (page.waiting, page.agreement.yes, page.agreement.of) == ([], 0, 1)
    with pytest.raises(InvalidTransition):
        judge_second_look(look, judgement="dismiss", reason="Late.", by=person("analyst"))
    with pytest.raises(IntegrityError), transaction.atomic():
        SecondLook.objects.filter(pk=look.pk).update(judgement="dismiss")


def test_who_decided_first_neither_sees_nor_judges_it(look: SecondLook) -> None:
    for who in people_of(look):
        assert looks_page(who).waiting == []
        with pytest.raises(PermissionDenied):
            judge_second_look(look, judgement="dismiss", reason="Mine.", by=who)
    for role in ("auditor", "liaison", "admin"):
        with pytest.raises(PermissionDenied):
            judge_second_look(look, judgement="dismiss", reason="No.", by=person(role))
    with pytest.raises(CaseworkError, match="would have decided"):
        judge_second_look(look, judgement="maybe", reason="Hm.", by=person("analyst"))


def test_the_page_is_blind(look: SecondLook) -> None:
    judge = person("analyst")
    client = client_of(User.objects.get(pk=judge.pk))
    page = client.get(f"/second-looks/{look.public_id}/").content.decode()
    assert "Why it fired" in page
    assert "False alarm" not in page
    assert "Secret9" not in page
    answer = {"judgement": "dismiss", "reason": "The same."}
    assert client.post(f"/second-looks/{look.public_id}/", {}).status_code == 422
    assert client.post(f"/second-looks/{look.public_id}/", answer).status_code == 302
    assert client.get(f"/second-looks/{look.public_id}/").status_code == 404
    assert "1.000" in client.get("/second-looks/").content.decode()
    first = client_of(User.objects.get(pk=look.first_by_id))
    assert first.get(f"/second-looks/{look.public_id}/").status_code == 404


def test_a_program_judges_as_a_person_does_and_is_not_told_how_it_ended(look: SecondLook) -> None:
    client = client_of(User.objects.get(pk=person("analyst").pk))
    page = "/api/v1/second-looks"
    (row,) = client.get(page).json()["rows"]
    assert (row["id"], len(row["records"])) == (str(look.public_id), 2)
    assert "Secret9" not in client.get(f"{page}/{look.public_id}").text
    body = {"judgement": "dismiss", "reason": "I would as well."}
    sent = client.post(
        f"{page}/{look.public_id}/judge", body, content_type="application/json",
        headers={"idempotency-key": "look-1"},
    )  # fmt: skip
    assert (sent.status_code, sent.json()["judgement"]) == (201, "dismiss")
    told = client.get(f"{page}/agreement").json()
    assert (told["agreed"], told["judged"]) == (1, 1)
    assert client.get(page).json()["rows"] == []
