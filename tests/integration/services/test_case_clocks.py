"""A case's own time as people meet it; its walk through all states is in tests/machines."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, InboxView
from cases.policy import Actor
from cases.queries.cases import CaseChoice, case_list
from cases.queries.inbox import inbox
from cases.queries.search import search
from cases.services.case_clocks import (
    escalate_late_cases,
    hold_case,
    resume_case,
    set_due,
)
from cases.services.cases import edit_case
from cases.services.errors import CaseworkError
from cases.states import CaseState
from tests.casework import make_actor, make_case, make_user, person
from tests.conftest import client_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def told(actor: Actor) -> list[str]:
    return [row.words for row in inbox(actor, "case")]


def late(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(due_at=timezone.now() - DAY)


def test_a_late_case_waits_with_its_owner_and_the_seniors_until_one_answers() -> None:
    mei, boss = person("analyst"), make_user("supervisor")
    case = make_case(mei, started=True)
    set_due(case, due_at=timezone.now() + 3 * DAY, reason="Promised.", by=mei)
    assert told(mei) == ["The work on this case is due"]
    assert told(make_actor(boss)) == []
    late(case)
    assert (escalate_late_cases(), escalate_late_cases()) == (1, 0)
    assert told(make_actor(boss)) == ["Answer as a senior"]
    client = client_of(boss)
    address = reverse("case_answer", args=[case.public_id])
    page = client.post(address, {"reason": "Go on."})
    assert (page.status_code, "say until when now" in page.content.decode()) == (422, True)
    ahead = f"{timezone.now() + 30 * DAY:%Y-%m-%dT%H:%M}"
    assert client.post(address, {"reason": "Go on.", "due_at": ahead}).status_code == 302
    assert told(make_actor(boss)) == told(mei) == []
    assert [event.action for event in case.events.order_by("-seq")[:2]] == [
        "answer_escalation", "escalate_case",
    ]  # fmt: skip


def test_what_is_due_stands_still_while_a_case_rests_and_a_person_takes_it_up() -> None:
    mei = make_user("analyst")
    by = make_actor(mei)
    case = make_case(by, started=True)
    case = set_due(case, due_at=timezone.now() + 3 * DAY, reason="Promised.", by=by)
    client = client_of(mei)
    day = (timezone.now() + 5 * DAY).date()
    paused = client.post(
        reverse("case_pause", args=[case.public_id]), {"resume_on": day, "reason": "Answer awaited"}
    )
    assert paused.status_code == 302
    assert told(by) == []
    page = client.get(reverse("case_detail", args=[case.public_id])).content.decode()
    assert "On hold" in page
    assert day.isoformat() in page
    past = {"held_at": timezone.now() - 4 * DAY, "resume_on": timezone.now().date()}
    Case.objects.filter(pk=case.pk).update(**past)
    assert escalate_late_cases() == 0
    assert told(by) == ["Its hold is over: take this case up again"]
    case.refresh_from_db()
    before = case.due_at
    assert before is not None
    moved = resume_case(case, reason="It came.", by=by).due_at
    assert moved is not None
    assert moved - before >= 4 * DAY
    assert case.events.latest("seq").action == "resume_case"


def test_the_list_of_cases_is_narrowed_by_codes_that_a_view_keeps() -> None:
    user, colleague = make_user("analyst"), make_user("analyst")
    mine, other = make_case(make_actor(user)), make_case(make_actor(colleague), priority="P1")
    client = client_of(user)
    page = client.get(reverse("case_list"), {"whose": "mine", "due": "nonsense"}).content.decode()
    assert (mine.reference in page, other.reference in page) == (True, False)
    client.post(reverse("case_view_keep"), {"name": "My own", "back": "whose=mine", "shared": "1"})
    view = InboxView.objects.get()
    assert (view.place, view.filters) == ("cases", "whose=mine")
    seen = client_of(colleague).get(reverse("case_list")).content.decode()
    assert "My own · team" in seen
    assert "My own" not in client_of(colleague).get(reverse("inbox")).content.decode()
    client.post(reverse("inbox_view_drop", args=[view.public_id]))
    assert not InboxView.objects.exists()


def test_the_list_keeps_its_number_of_queries_with_filters(
    django_assert_max_num_queries: object,
) -> None:
    by = person("supervisor")
    for _ in range(3):
        late(make_case(by))
    escalate_late_cases()
    chosen = CaseChoice(whose="mine", priority="P2", due="senior")
    with django_assert_max_num_queries(8):  # type: ignore[operator]  # pytest-django's
        page = case_list(by, [CaseState.INTAKE.value], which=chosen)
    assert len(page.rows) == 3
    assert all(row.deadline is not None for row in page.rows)


def test_tags_are_words_of_the_house_and_the_search_finds_a_case_by_them() -> None:
    by = person("analyst")
    case = make_case(by)
    edited = edit_case(case, version=1, tags="#Romance-Scam  mule, mule", by=by)
    assert edited.tag_list == ["mule", "romance-scam"]
    assert search("romance-scam", by).cases == [case]
    assert search("romance-scam", person("analyst")).cases == [case]
    edit_case(edited, version=2, visibility="sealed", by=person("compliance"))
    assert search("romance-scam", person("analyst")).cases == []
    with pytest.raises(CaseworkError, match="a tag is one word"):
        edit_case(edited, version=3, tags="<b>", by=by)


def test_a_day_that_is_over_is_no_day_to_wait_for() -> None:
    by = person("analyst")
    with pytest.raises(CaseworkError, match="a day ahead"):
        hold_case(make_case(by), resume_on=timezone.now().date(), reason="W.", by=by)
