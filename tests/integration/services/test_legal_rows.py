"""The legal matrix as data: two people change it, and the nearer row holds."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from cases.models import LegalRow
from cases.policy import Actor, PermissionDenied, StepUpRequired
from cases.queries.legal_rows import law_for, legal_page
from cases.services.errors import CaseworkError, ContentChanged
from cases.services.legal_rows import approve_legal_row, propose_legal_row, reject_legal_row
from cases.states import InvalidTransition
from tests.casework import person, stale

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Actor]:
    return [person("supervisor"), person("compliance"), person("compliance")]


def propose(by: Actor, **fields: Any) -> LegalRow:
    values: dict[str, Any] = {
        "instrument": "police_request", "country": "tw", "datasets": ["crypto_in", "kyc"],
        "note": "With a prosecutor's stamp.", "source": "Some Act s. 3.", "reason": "New law.",
    }  # fmt: skip
    return propose_legal_row(**(values | fields), by=by)


def in_force(people: list[Actor], **fields: Any) -> LegalRow:
    row = propose(people[0], **fields)
    return approve_legal_row(row, content_hash=row.content_hash, reason="Read.", by=people[1])


def test_one_proposes_and_another_puts_in_force(people: list[Actor]) -> None:
    row = propose(people[1])
    before = law_for("police_request", "TW")
    assert "kyc" not in before.datasets
    shown = {"content_hash": row.content_hash, "reason": "Read."}
    for who in (people[0], people[1], person("analyst")):
        with pytest.raises(PermissionDenied):
            approve_legal_row(row, **shown, by=who)
    with pytest.raises(StepUpRequired):
        approve_legal_row(row, **shown, by=stale(people[2]))
    with pytest.raises(ContentChanged):
        approve_legal_row(row, **(shown | {"content_hash": "0" * 64}), by=people[2])
    approve_legal_row(row, **shown, by=people[2])
    with pytest.raises(InvalidTransition):
        reject_legal_row(row, reason="No.", by=people[2])
    after = law_for("police_request", "TW")
    assert after.datasets == {"crypto_in", "kyc"}
    assert after.verify_with_counsel
    assert law_for("police_request", "FR") == before


def test_the_nearer_country_holds_and_ours_before_the_file(people: list[Actor]) -> None:
    of_file = law_for("subpoena", "US")
    in_force(people, instrument="subpoena", country="", datasets=[], note="Nothing.")
    assert law_for("subpoena", "US") == of_file  # its country is named in the file
    assert law_for("subpoena", "FR").datasets == frozenset()
    first = in_force(people, instrument="subpoena", country="US", note="Ours.")
    assert law_for("subpoena", "US").note == "Ours."
    second = in_force(people, instrument="subpoena", country="US", note="Newer.")
    first.refresh_from_db()
    assert (first.state, second.state) == ("superseded", "in_force")
    lines = {(line.row.instrument, line.row.country): line for line in legal_page().lines}
    assert lines["subpoena", "US"].in_force == second
    assert lines["court_order", "*"].in_force is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"instrument": "letter"}, "Instrument"), ({"country": "TWN"}, "two letters"),
        ({"datasets": ["everything"]}, "none of the datasets"), ({"source": " "}, "Name the"),
        ({"note": ""}, "one sentence"), ({"reason": ""}, "reason"),
    ],
)  # fmt: skip
def test_a_row_that_makes_no_sense_is_refused(
    people: list[Actor], fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(CaseworkError, match=words):
        propose(people[0], **fields)


@pytest.mark.owner
def test_the_database_keeps_a_row_as_it_was_proposed(people: list[Actor]) -> None:
    row = propose(people[0])
    for change in ({"datasets": "kyc documents"}, {"state": "superseded"}, {"source": "Mine."}):
        with pytest.raises(IntegrityError), transaction.atomic():
            LegalRow.objects.filter(pk=row.pk).update(**change)
