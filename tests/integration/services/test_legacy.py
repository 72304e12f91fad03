"""Cases of another system: days as recorded there, and a chain that tells when they came."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from cases.models import AuditEvent, Case, CaseBlock, LegacyCase
from cases.policy import PermissionDenied
from cases.services.audit import verify_chains
from cases.services.errors import ImportRefused
from cases.services.legacy import import_legacy_cases, import_legacy_file
from tests.casework import make_actor, make_user, person
from tests.conftest import client_of

pytestmark = pytest.mark.django_db

ROW: dict[str, str] = {
    "system": "Old desk", "number": "2019/17", "title": "Harbour", "case_type": "fraud",
    "priority": "P2", "summary": "S.", "opened_on": "2019-05-20", "closed_on": "2020-01-02",
    "owner": "J. Former", "outcome": "Referred",
}  # fmt: skip


def file(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "old.csv"
    lines = [",".join(ROW), *(",".join((ROW | row).values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_each_row_is_a_case_of_today_with_its_old_days_beside_it(tmp_path: Path) -> None:
    before = timezone.now()
    report = import_legacy_file(file(tmp_path, {}))
    case = Case.objects.get(public_id=report.rows[0].case)
    assert (case.state, case.visibility, case.owner_by, case.opened_by) == (
        "intake", "sealed", None, None,
    )  # fmt: skip
    assert case.opened_at >= before, "here it was opened now"
    assert case.closed_at is None
    legacy = LegacyCase.objects.get(case=case)
    assert (str(legacy.opened_on), str(legacy.closed_on)) == ("2019-05-20", "2020-01-02")
    event = AuditEvent.objects.get(case=case)
    assert (event.action, event.seq) == ("import_case", 1)
    assert json.loads(event.data)["number"] == "2019/17"
    assert event.at - before < timedelta(minutes=1), "the chain never tells another time"
    assert verify_chains().is_whole


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": ""}, "title is missing"),
        ({"opened_on": "20.5.2019"}, "no day"),
        ({"opened_on": "2999-01-01"}, "future"),
        ({"closed_on": "2018-01-01"}, "closed before"),
        ({"case_type": "misc"}, "Case type"),
        ({"priority": "P9"}, "Priority"),
        ({"system": "x" * 61}, "System"),
        ({"number": "2019\0"}, "no text has"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_taken(
    tmp_path: Path, change: dict[str, str], words: str
) -> None:
    report = import_legacy_file(file(tmp_path, {"number": "1"}, change, {"number": "2"}))
    assert (report.num_added, [row.number for row in report.refused]) == (2, [2])
    assert words in report.refused[0].reason
    assert Case.objects.count() == 2


def test_twice_changes_nothing_and_names_the_same_cases(tmp_path: Path) -> None:
    first = import_legacy_file(file(tmp_path, {}, {"number": "18"}))
    again = import_legacy_file(file(tmp_path, {}, {"number": "18"}))
    assert (again.num_added, again.num_known) == (0, 2)
    assert [row.case for row in again.rows] == [row.case for row in first.rows]


def test_a_file_that_is_none_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    for text in ("", "number,title\n", "system,number,title,opened_on,color\n"):
        path.write_text(text)
        with pytest.raises(ImportRefused, match="the first line"):
            import_legacy_file(path)


def test_compliance_sends_them_by_program_and_owns_them() -> None:
    by = person("compliance")
    with pytest.raises(PermissionDenied):
        import_legacy_cases(cases=[ROW], by=person("supervisor"))
    report = import_legacy_cases(cases=[ROW, ROW | {"number": ""}], visibility="team", by=by)
    assert (report.num_added, report.refused[0].reason) == (1, "number is missing.")
    case = Case.objects.visible_to(by).get()
    assert case.owner_by_id == by.user_id


def test_who_stands_behind_a_wall_learns_no_case_by_sending_its_row_again() -> None:
    by = person("compliance")
    import_legacy_cases(cases=[ROW], by=by)
    other = person("compliance")
    CaseBlock.objects.create(
        case=Case.objects.get(), user_id=other.person, reason="Kin."
    )  # fmt: skip
    [row] = import_legacy_cases(cases=[ROW], by=other).rows
    assert (row.case, row.reference, row.reason) == (None, "", "")


@pytest.mark.owner
def test_the_database_keeps_what_was_recorded(tmp_path: Path) -> None:
    import_legacy_file(file(tmp_path, {}))
    with pytest.raises(IntegrityError), transaction.atomic():
        LegacyCase.objects.update(number="2")
    with pytest.raises(IntegrityError), transaction.atomic():
        LegacyCase.objects.all().delete()


def test_the_command_tells_and_the_case_page_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="Some rows"):
        call_command("load_cases", str(file(tmp_path, {}, {"title": ""})), "--visibility", "unit")
    assert "1 added, 0 known, 1 refused" in capsys.readouterr().out
    user = make_user("analyst")
    client: Any = client_of(user)
    case = Case.objects.visible_to(make_actor(user)).get()
    page = client.get(reverse("case_detail", args=[case.public_id])).content.decode()
    assert "As recorded elsewhere" in page
    assert "2019/17" in page
