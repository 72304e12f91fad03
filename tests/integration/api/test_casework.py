"""Cases, wallets, suspects, tasks, notes, files, operations, inbox and search by programs."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from cases.models import Case, ReadEvent, SuspectAccount
from tests.blockmaker import address
from tests.casework import BTC, make_account, make_agency, make_asset, make_user
from tests.integration.api.conftest import (
    PREFIX,
    Program,
    browser_of,
    made,
    program_of,
    told,
)

pytestmark = pytest.mark.django_db


def test_a_case_is_opened_changed_and_moved_on(
    analyst: Program, supervisor: Program, stranger: Program
) -> None:
    opened = made(
        analyst.post(
            "cases",
            {"title": "Lanternbox", "case_type": "darknet", "priority": "P2", "visibility": "team"},
        )
    )
    path = f"cases/{opened['id']}"
    assert made(analyst.get(path), 200) == opened
    told(stranger.get(path), 404, "not-found")
    edited = made(analyst.patch(path, {"version": opened["version"], "title": "Lantern"}), 200)
    assert (edited["title"], edited["version"]) == ("Lantern", opened["version"] + 1)
    lost = told(analyst.patch(path, {"version": 1, "title": "Box"}), 409, "version-changed")
    assert lost["present"] == {"title": "Lantern"}
    told(stranger.patch(path, {"version": 2, "title": "Mine"}), 404, "not-found")
    assert made(analyst.post(f"{path}/start"), 200)["state"] == "investigating"
    told(analyst.post(f"{path}/start"), 409, "state-changed")
    told(stranger.post(f"{path}/start"), 404, "not-found")
    assert made(analyst.post(f"{path}/submit", {"reason": "Ready."}), 200)["state"] == "in_review"
    told(
        analyst.post(f"{path}/decide", {"decisions": ["no_action"], "reason": "No."}),
        403, "refused",
    )  # fmt: skip
    listed = made(analyst.get("cases", state="in_review"), 200)["rows"]
    assert [row["id"] for row in listed] == [opened["id"]]
    assert made(stranger.get("cases"), 200) == {"rows": [], "next": ""}
    people = made(analyst.get(f"{path}/people"), 200)
    assert people[0]["name"] == analyst.user.username
    told(supervisor.get(f"{path}/money"), 404, "not-found")
    assert made(analyst.get(f"{path}/money"), 200)["reached"] == {"rows": []}


def test_wallets_are_added_listed_and_looked_up(
    analyst: Program, stranger: Program, case: Case
) -> None:
    body = {
        "address": address(1), "role": "bank", "provenance": "analyst", "provenance_note": "Seen.",
    }  # fmt: skip
    wallet = made(analyst.post(f"cases/{case.public_id}/wallets", body))
    told(stranger.post(f"cases/{case.public_id}/wallets", body), 404, "not-found")
    told(analyst.post(f"cases/{case.public_id}/wallets", body), 422, "not-possible")
    told(
        analyst.post(f"cases/{case.public_id}/wallets", body | {"address": "no address"}),
        422, "not-possible",
    )  # fmt: skip
    listed = made(analyst.get("wallets", case=str(case.public_id), role="bank"), 200)["rows"]
    assert listed == [wallet] == [made(analyst.get(f"wallets/{wallet['id']}"), 200)]
    assert made(stranger.get("wallets"), 200)["rows"] == []
    told(stranger.get(f"wallets/{wallet['id']}"), 404, "not-found")
    told(stranger.get(f"wallets/{wallet['id']}/exposure"), 404, "not-found")
    seen = made(analyst.post("address-lookups", {"address": address(1)}, key=None), 200)
    assert seen["address"] == address(1)
    told(analyst.post("address-lookups", {"address": "?"}, key=None), 422, "not-possible")


def test_suspects_their_names_and_the_customer_behind_an_account(
    analyst: Program, stranger: Program, case: Case
) -> None:
    body = {
        "kind": "persona", "standing": "suspect", "role": "administrator",
        "names": [{"type": "ALIA", "full": "OP-1"}],
    }  # fmt: skip
    suspect = made(analyst.post(f"cases/{case.public_id}/suspects", body))
    path = f"suspects/{suspect['id']}"
    named = made(analyst.post(f"{path}/names", {"type": "LEGL", "full": "Kim Demo"}))
    assert [each["full"] for each in named["names"]] == ["OP-1", "Kim Demo"]
    told(analyst.post(f"{path}/names", {"type": "LEGL", "full": "Kim Demo"}), 422, "not-possible")
    account = make_account("NQ-884417", holder_name="Kim Demo")
    linked = made(
        analyst.post(f"{path}/accounts", {"account_uid": account.uid, "basis": "Same mail."})
    )
    assert [each["masked"] for each in linked["accounts"]] == ["••4417"]
    assert "NQ-884417" not in str(linked)
    reveal = f"{path}/accounts/{account.public_id}/reveal"
    customer = made(analyst.post(reveal, {"purpose": "To name the holder."}, key=None), 200)
    assert customer["holder_name"] == "Kim Demo"
    assert ReadEvent.objects.filter(purpose="To name the holder.").count() == 1
    for each in (path, f"{path}/names", f"{path}/accounts", reveal):
        answer = stranger.get(each) if each == path else stranger.post(each, {"x": 1})
        told(answer, 404, "not-found")
    assert SuspectAccount.objects.count() == 1
    assert len(made(analyst.get("suspects", kind="persona"), 200)["rows"]) == 1


def test_tasks_and_notes(analyst: Program, stranger: Program, case: Case) -> None:
    path = f"cases/{case.public_id}"
    task = made(
        analyst.post(f"{path}/tasks", {"title": "Call", "due_at": "2030-01-01T00:00:00+02:00"})
    )
    assert task["due_at"] == "2029-12-31T22:00:00Z"
    assert made(analyst.get("tasks", state="open", mine="false"), 200)["rows"] == [task]
    told(stranger.post(f"tasks/{task['id']}/finish"), 404, "not-found")
    assert made(analyst.post(f"tasks/{task['id']}/finish"), 200)["state"] == "done"
    told(analyst.post(f"tasks/{task['id']}/drop", {"reason": "Late."}), 409, "state-changed")
    note = made(analyst.post(f"{path}/notes", {"text": "First."}))
    again = made(analyst.patch(f"notes/{note['id']}", {"text": "Second.", "number": 1}), 200)
    assert (again["text"], again["number"]) == ("Second.", 2)
    told(
        analyst.patch(f"notes/{note['id']}", {"text": "Third.", "number": 1}),
        409, "version-changed",
    )  # fmt: skip
    told(stranger.get(f"notes/{note['id']}"), 404, "not-found")
    for noun in ("tasks", "notes"):
        told(stranger.post(f"{path}/{noun}", {"title": "X"}), 404, "not-found")


def upload(program: Program, case: Case, content: bytes, key: str, **fields: Any) -> object:
    values = {
        "kind": "document", "title": "Chat log", "source": "Seized phone", "source_grade": "A",
        "information_grade": "1", "document": SimpleUploadedFile("chat.txt", content),
    }  # fmt: skip
    return program.client.post(
        f"{PREFIX}cases/{case.public_id}/evidence", values | fields,
        headers={"Authorization": f"Bearer {program.token}", "Idempotency-Key": key},
    )  # fmt: skip


def test_a_file_goes_in_and_comes_out_byte_for_byte(
    analyst: Program, stranger: Program, case: Case
) -> None:
    exhibit = made(upload(analyst, case, b"Meet me at noon.", "file-1"))  # type: ignore[arg-type]
    again = upload(analyst, case, b"Meet me at noon.", "file-1")
    assert made(again) == exhibit  # type: ignore[arg-type]  # another boundary, the same request
    told(upload(analyst, case, b"Meet me at one.", "file-1"), 409, "key-reused")  # type: ignore[arg-type]
    told(upload(analyst, case, b"<html>", "file-2"), 422, "not-possible")  # type: ignore[arg-type]
    told(upload(stranger, case, b"Mine.", "file-3"), 404, "not-found")  # type: ignore[arg-type]
    two = [SimpleUploadedFile(f"{name}.txt", b"Text.") for name in "ab"]
    told(upload(analyst, case, b"", "file-4", document=two), 400, "invalid")  # type: ignore[arg-type]
    path = f"evidence/{exhibit['id']}"
    file = analyst.get(f"{path}/file")
    assert (file.content, file["Content-Disposition"]) == (
        b"Meet me at noon.", 'attachment; filename="chat.txt"',
    )  # fmt: skip
    assert made(analyst.post(f"{path}/verify", key=None), 200) == {"is_whole": True}
    custody = [each["action"] for each in made(analyst.get(path), 200)["custody"]]
    assert custody == ["acquire", "seal", "view", "verify"]
    told(stranger.get(f"{path}/file"), 404, "not-found")
    assert len(made(analyst.get("evidence", kind="document"), 200)["rows"]) == 1
    # Export is for a second person with a fresh second factor.
    reason = {"reason": "For the court."}
    second = make_user("supervisor")
    case.accesses.create(user=second, level="write")
    told(program_of(second).post(f"{path}/export", reason), 403, "step-up-by-person")
    packed = browser_of(second).post(f"{path}/export", reason)
    assert packed.content[:2] == b"PK"


def test_an_operation_shows_only_the_cases_one_may_see(
    analyst: Program, supervisor: Program, compliance: Program, case: Case
) -> None:
    agency = make_agency()
    body = {
        "name": "Lanterns out", "code_name": "LANTERN", "starts_on": "2025-01-02",
        "lead_agency": str(agency.public_id), "partners": [str(make_agency().public_id)],
    }  # fmt: skip
    operation = made(supervisor.post("operations", body))
    path = f"operations/{operation['id']}"
    assert len(operation["partners"]) == 1
    told(analyst.get(path), 404, "not-found")
    told(supervisor.post(f"{path}/cases", {"case": str(case.public_id), "reason": "R"}),
         400, "invalid")  # fmt: skip
    joined = made(
        compliance.post(f"{path}/cases", {"case": str(case.public_id), "reason": "Same market."}),
        200,
    )
    assert [each["reference"] for each in joined["cases"]] == [case.reference]
    assert made(supervisor.get(path), 200)["cases"] == []
    assert len(made(analyst.get(path), 200)["cases"]) == 1
    told(supervisor.post(f"{path}/start", {"reason": "Go."}), 403, "refused")
    assert made(compliance.post(f"{path}/start", {"reason": "Go."}), 200)["state"] == "active"


def test_what_waits_is_taken_once(analyst: Program, stranger: Program, case: Case) -> None:
    made(analyst.post(f"cases/{case.public_id}/tasks", {"title": "Call the bank"}))
    row = made(analyst.get("inbox"), 200)[0]
    path = f"inbox/{row['kind']}/{row['subject']}/take"
    told(stranger.post(path), 404, "not-found")
    assert made(analyst.post(path), 200) == {"kind": row["kind"], "subject": row["subject"]}
    assert made(stranger.get("inbox"), 200) == []


def test_search_finds_only_what_one_may_see(
    analyst: Program, stranger: Program, case: Case
) -> None:
    for text in (case.reference, "Lanternbox"):
        found = made(analyst.post("search", {"q": text}, key=None), 200)
        assert [each["id"] for each in found["cases"]] == [str(case.public_id)]
        assert made(stranger.post("search", {"q": text}, key=None), 200)["cases"] == []


def test_a_list_is_screened_and_one_that_is_too_long_is_told_so(
    analyst: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"addresses": [address(1), f"{address(2)} {address(3)}", "nothing"]}
    found = made(analyst.post("screenings", body), 200)
    assert [line["address"] for line in found["lines"]] == [address(n) for n in (1, 2, 3)]
    assert [each["line"] for each in found["rejected"]] == [3]
    monkeypatch.setattr("cases.queries.screening.MOST", 2)
    problem = told(analyst.post("screenings", body), 422, "not-possible")
    assert "3 addresses" in problem["detail"]


def test_prices_are_sent_row_by_row_and_listed_with_their_source(
    analyst: Program, compliance: Program
) -> None:
    make_asset()
    row = {
        "asset": BTC, "currency": "USD", "price": "97000.50", "at": "2025-05-20T13:56:00Z",
        "source": "kaiko",
    }  # fmt: skip
    body = {"prices": [row, row | {"price": 97000.5}]}
    told(compliance.post("prices", body), 400, "invalid")
    body = {"prices": [row, row | {"source": "mine", "price": "none"}]}
    told(analyst.post("prices", body), 403, "refused")
    report = made(compliance.post("prices", body))
    assert (report["num_added"], report["refused"][0]["number"]) == (1, 2)
    (listed,) = made(analyst.get("prices", asset=BTC), 200)["rows"]
    assert (listed["source"], listed["price"]) == ("kaiko", "97000.5000000000")
