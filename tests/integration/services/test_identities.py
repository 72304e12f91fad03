"""Who is whom across cases: proposed by likeness, decided by people, taken apart again."""

import pytest
from django.db import IntegrityError, transaction

from cases.models import Case, IdentityLink, Suspect, SuspectName
from cases.policy import Actor, PermissionDenied
from cases.queries.identities import find_by_name, identity_of, same_as
from cases.services.errors import CaseworkError
from cases.services.identities import (
    assert_identity,
    confirm_identity,
    refute_identity,
    review_identity,
)
from cases.services.suspects import add_suspect
from cases.states import InvalidTransition
from tests.casework import make_actor, make_case, make_user, person
from tests.conftest import client_of

pytestmark = pytest.mark.django_db
GRADES = {"basis": "One passport.", "source_grade": "A", "information_grade": "1"}


def suspect(case: Case, by: Actor, *names: str, year: int | None = None) -> Suspect:
    given = [("ALIA", name) for name in names]
    return add_suspect(
        case, kind="persona", standing="suspect", role="", names=given, birth_year=year, by=by
    )


@pytest.fixture
def pair() -> tuple[Actor, Suspect, Suspect]:
    """Pharos in one case, and the same sound in another script in a second one."""
    by = person("analyst")
    return by, suspect(make_case(by), by, "Pharos", "pharos_"), suspect(make_case(by), by, "法羅斯")


def linked(by: Actor, one: Suspect, other: Suspect) -> IdentityLink:
    return assert_identity(one, other, **GRADES, confidence=80, by=by)


def confirmed(by: Actor, one: Suspect, other: Suspect) -> IdentityLink:
    senior = person("supervisor")
    link = review_identity(linked(by, one, other), reason="Looked.", by=senior)
    return confirm_identity(link, reason="The same passport.", by=senior)


def test_every_spelling_leads_to_the_one_persona(pair: tuple[Actor, Suspect, Suspect]) -> None:
    by, first, second = pair
    confirmed(by, first, second)
    for name in ("Pharos", "Faros", "pharos_", "法羅斯"):
        found = {each.suspect.pk for each in find_by_name(name, by)}
        assert found == {first.pk, second.pk}
    assert [each.pk for each in same_as(first, by)] == [second.pk]


def test_near_equal_names_are_proposed_and_never_joined_by_the_machine() -> None:
    by = person("analyst")
    first = suspect(make_case(by), by, "Kai-Wen Demoson", year=1980)
    second = suspect(make_case(by), by, "Kaiwen Demosen", year=1991)
    [proposal] = identity_of(first, by).proposals
    assert (proposal.suspect.pk, proposal.is_weak) == (second.pk, True)
    assert (same_as(first, by), IdentityLink.objects.count()) == ([], 0)


def test_a_refuted_link_leaves_both_rows_as_they_stood(
    pair: tuple[Actor, Suspect, Suspect],
) -> None:
    by, first, second = pair

    def rows() -> list[object]:
        names = SuspectName.objects.order_by("pk").values_list("suspect_id", "full")
        return [*Suspect.objects.order_by("pk").values(), *names]

    before = rows()
    link = confirmed(by, first, second)
    third = suspect(first.case, by, "Faros")
    confirmed(by, second, third)
    assert {each.pk for each in same_as(first, by)} == {second.pk, third.pk}
    with pytest.raises(PermissionDenied):
        refute_identity(link, reason="No.", by=by)
    refute_identity(link, reason="Two passports.", by=person("supervisor"))
    assert same_as(first, by) == []
    assert [each.pk for each in same_as(third, by)] == [second.pk]
    third_rows = len(rows()) - len(before)
    assert third_rows == 2
    assert all(row in rows() for row in before)
    linked(by, first, second)  # it can be asserted anew, and is not confirmed by that
    assert same_as(first, by) == []


def test_who_asserts_neither_reviews_nor_confirms_and_no_step_is_skipped(
    pair: tuple[Actor, Suspect, Suspect],
) -> None:
    _by, first, second = pair
    senior, other = person("supervisor"), person("supervisor")
    link = linked(senior, first, second)
    with pytest.raises(InvalidTransition):
        confirm_identity(link, reason="Sure.", by=other)
    with pytest.raises(PermissionDenied, match="second person"):
        review_identity(link, reason="Mine.", by=senior)
    review_identity(link, reason="Looked.", by=person("analyst"))
    with pytest.raises(PermissionDenied, match="second person"):
        confirm_identity(link, reason="Mine.", by=senior)
    with pytest.raises(PermissionDenied):
        confirm_identity(link, reason="Junior.", by=person("analyst"))
    with transaction.atomic(), pytest.raises(IntegrityError):
        IdentityLink.objects.filter(pk=link.pk).update(
            state="confirmed", decided_by_id=senior.user_id
        )
    with transaction.atomic(), pytest.raises(IntegrityError, match="stays as asserted"):
        IdentityLink.objects.filter(pk=link.pk).update(basis="Other.")


def test_what_cannot_be_said_is_refused_in_one_sentence(
    pair: tuple[Actor, Suspect, Suspect],
) -> None:
    by, first, second = pair
    linked(by, second, first)
    for change, sentence in (
        ({}, "stands already"), ({"basis": " "}, "rests on"), ({"source_grade": "Q"}, "Grade the"),
        ({"confidence": 101}, "from 0 to 100"),
    ):  # fmt: skip
        with pytest.raises(CaseworkError, match=sentence):
            assert_identity(first, second, **({**GRADES, "confidence": 1} | change), by=by)
    with pytest.raises(CaseworkError, match="another suspect"):
        linked(by, first, first)


def test_a_case_behind_a_wall_gives_neither_proposal_nor_link() -> None:
    by, nora = person("analyst"), person("compliance")
    open_one = suspect(make_case(by), by, "Pharos")
    hidden = suspect(make_case(nora, visibility="sealed"), nora, "Faros")
    assert identity_of(open_one, by).proposals == []
    assert find_by_name("Faros", by)[0].suspect.pk == open_one.pk
    with pytest.raises(PermissionDenied):
        linked(by, open_one, hidden)
    link = linked(nora, open_one, hidden)
    assert (identity_of(open_one, by).links, identity_of(open_one, nora).links) == ([], [link])


def test_the_pages_lead_from_likeness_to_decision() -> None:
    user = make_user("analyst")
    by = make_actor(user)
    first = suspect(make_case(by), by, "Pharos")
    second = suspect(make_case(by), by, "Фарос")
    client, senior = client_of(user), client_of(make_user("supervisor"))
    page = client.get(f"/suspects/{first.public_id}/identity/").content.decode()
    assert "same sound" in page or "same letters" in page
    told = {**GRADES, "confidence": 70, "other": str(second.public_id)}
    detail = client.post(f"/suspects/{first.public_id}/identity/new/", told).headers["Location"]
    assert IdentityLink.objects.get().match["score"] >= 85
    for step in ("review", "confirm"):
        assert senior.post(f"{detail}{step}/", {"reason": "Looked."}).status_code == 302
    assert "One with" in client.get(f"/suspects/{second.public_id}/identity/").content.decode()
    assert "Confirmed" in client.get(detail).content.decode()
