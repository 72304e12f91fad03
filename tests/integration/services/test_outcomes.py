"""What came of a release: typed messages of officers, summed up in case, operation and rule."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from cases.models import AuditEvent, Outcome, SharedRelease
from cases.policy import PermissionDenied
from cases.queries import outcomes as outcome_rows
from cases.queries.outcomes import outcomes_of, rule_outcomes
from cases.queries.shared import release_for
from cases.services import outcomes
from cases.services.alerts import link_alert
from cases.services.errors import CaseworkError, NotFound
from cases.services.outcomes import report_outcome
from fiu.models import User
from tests.casework import BTC, make_actor, make_agency, make_asset, make_case, make_user, person
from tests.integration.services.test_liaison import send
from tests.report_desk import make_alert

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_pdf")]
DAY = date(2025, 6, 1)


@pytest.fixture
def officer() -> User:
    return make_user("liaison", agency=make_agency())


@pytest.fixture
def release(officer: User) -> SharedRelease:
    make_asset()
    assert officer.agency is not None
    return send(make_case(), officer.agency, officer).releases.get()


def report(release: SharedRelease, officer: User, **fields: object) -> Outcome:
    values = {"kind": "arrest", "number": 2, "happened_on": DAY} | fields
    return report_outcome(release.public_id, **values, by=make_actor(officer))  # type: ignore[arg-type]


def test_outcomes_are_summed_up_for_who_sees_the_case(
    release: SharedRelease, officer: User
) -> None:
    report(release, officer)
    report(release, officer, kind="charge", number=1, text="Money laundering.")
    report(release, officer, kind="seizure", number=1)
    report(release, officer, kind="no_action", number=0)
    case = release.referral.case
    told = outcomes_of(person("analyst"), [case.pk])
    assert (told.arrests, told.charges, told.seizures, told.no_action) == (2, 1, 1, 1)
    assert len(told.rows) == 4
    assert not outcomes_of(person("auditor"), [case.pk])
    view = release_for(make_actor(officer), release.public_id)
    assert view is not None
    assert [each.number for each in view.outcomes] == [0, 1, 1, 2]
    events = AuditEvent.objects.filter(action="report_outcome", object=release.referral.reference)
    assert events.count() == 4


def test_a_rule_learns_what_came_of_its_cases(release: SharedRelease, officer: User) -> None:
    by = person("analyst")
    alert = make_alert()
    link_alert(alert, release.referral.case, by=by)
    report(release, officer)
    alert.refresh_from_db()
    told = rule_outcomes(by, alert.rule.code)
    assert (told.num_cases, told.num_with_result, told.num_without) == (1, 1, 0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "medal"}, "from the list"), ({"number": 0}, "how many"),
        ({"kind": "no_action"}, "nothing to count"), ({"asset": "x", "base": 1}, "Only a seizure"),
        ({"kind": "seizure", "number": 1, "asset": "x"}, "amount that was seized"),
        ({"kind": "seizure", "number": 1, "asset": "x", "base": 1}, "nothing of this asset"),
        ({"happened_on": timezone.now().date() + timedelta(days=2)}, "not come yet"),
    ],
    ids=["kind", "none", "counted", "asset", "amount", "unknown", "day"],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(
    release: SharedRelease, officer: User, fields: dict[str, object], words: str
) -> None:
    with pytest.raises(CaseworkError, match=words):
        report(release, officer, **fields)


def test_reports_are_few_a_day_and_their_sums_cost_the_same_for_any_number(
    release: SharedRelease, officer: User, monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    monkeypatch.setattr(outcomes, "MOST_A_DAY", 3)
    monkeypatch.setattr(outcome_rows, "MOST_SHOWN", 2)
    for _n in range(3):
        report(release, officer)
    with pytest.raises(CaseworkError, match="3 times today"):
        report(release, officer)
    grant = release.grants.get()
    yesterday = timezone.now() - timedelta(hours=25)
    Outcome.objects.bulk_create(
        Outcome(
            release=release, grant=grant, kind="seizure", number=1, asset=BTC, base=2**70,
            happened_on=DAY, at=yesterday,
        )
        for _n in range(3)
    )  # fmt: skip
    reader = person("analyst")
    with django_assert_max_num_queries(4):
        told = outcomes_of(reader, [release.referral.case_id])
    assert (told.arrests, told.seizures, told.seized[0].base) == (6, 3, 3 * 2**70)
    assert len(told.rows) == 2


def test_only_who_has_the_release_open_reports_and_nothing_changes_afterwards(
    release: SharedRelease, officer: User
) -> None:
    for by in (person("liaison"), person("supervisor")):
        with pytest.raises((NotFound, PermissionDenied)):
            report_outcome(release.public_id, kind="arrest", number=1, happened_on=DAY, by=by)
    report(release, officer)
    with pytest.raises(DatabaseError), transaction.atomic():
        Outcome.objects.update(number=3)
