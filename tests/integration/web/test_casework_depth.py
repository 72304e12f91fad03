"""Operation, ledger, tasks and files on their screens."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import Evidence, FreezeExtension, FreezeRelease, Note, Operation, Task
from cases.services.operations import open_operation, put_case
from fiu.models import User
from tests.casework import BTC, make_user, person
from tests.conftest import client_of
from tests.held import Held, make_held

pytestmark = pytest.mark.django_db


@pytest.fixture
def held() -> Held:
    return make_held()


def client_for(held: Held, who: str = "analyst") -> Client:
    return client_of(User.objects.get(pk=getattr(held, who).user_id))


def test_a_sum_is_followed_from_the_operation_to_the_receipt(held: Held) -> None:
    held.approve(held.ask(100_000_000))
    held.send()
    by = person("supervisor")
    operation = open_operation(
        name="Obelisk", code_name="SANDGLASS", starts_on=date(2025, 6, 1), by=by
    )
    put_case(held.case, operation, reason="R.", by=by)
    client = client_for(held)
    listed = client.get(reverse("operation_list")).content.decode()
    assert "SANDGLASS" in listed
    steps = [
        reverse("operation_detail", args=[operation.public_id]),
        reverse("case_freezes", args=[held.case.public_id]),
        reverse("freeze_detail", args=[held.freeze.public_id]),
        reverse("freeze_line", args=[held.line(BTC).public_id]),
    ]
    pages = [client.get(step).content.decode() for step in steps]
    for page, following in zip(pages, steps[1:], strict=False):
        assert following in page
    for page in pages[:2]:
        assert "$300,005.00" in page
        assert "$100,000.00" in page
    receipt = held.line(BTC).receipts.get(kind="release")
    assert receipt.external_ref in pages[-1]
    assert "2.00 BTC" in pages[-1]
    outsider = client_of(make_user("auditor"))
    assert {outsider.get(step).status_code for step in steps} == {404}


def test_a_supervisor_opens_an_operation_and_adds_a_case(held: Held) -> None:
    client = client_of(make_user("supervisor"))
    form = {"code_name": "glass", "name": "G", "starts_on": "2025-06-01"}
    assert client.get(reverse("operation_new")).status_code == 200
    assert (
        client.post(reverse("operation_new"), form | {"ends_on": "2025-05-01"}).status_code == 422
    )
    client.post(reverse("operation_new"), form)
    operation = Operation.objects.get(code_name="GLASS")
    join = reverse("operation_join", args=[operation.public_id])
    assert held.case.reference in client.get(join).content.decode()
    client.post(join, {"case": str(held.case.public_id), "reason": "Same market."})
    held.case.refresh_from_db()
    assert held.case.operation == operation
    start = reverse("operation_start", args=[operation.public_id])
    assert client.post(start, {"reason": "Now."}).status_code == 403
    assert client_for(held, "compliance").post(start, {"reason": "Now."}).status_code == 302
    operation.refresh_from_db()
    assert operation.state == "active"


def test_a_release_is_asked_for_and_decided_on_screen(held: Held) -> None:
    client, second = client_for(held), client_for(held, "compliance")
    ask = reverse("freeze_release", args=[held.freeze.public_id])
    line = held.line(BTC)
    assert "Held now: 3" in client.get(ask).content.decode()
    assert client.post(ask, {"reason": "R."}).status_code == 422
    assert client.post(ask, {f"amount_{line.pk}": "4", "reason": "R."}).status_code == 422
    assert client.post(ask, {f"amount_{line.pk}": "1.5", "reason": "R."}).status_code == 302
    release = FreezeRelease.objects.get()
    decide = reverse("freeze_release_approve", args=[release.public_id])
    form = {"reason": "Proven.", "confirm": "1234", "content_hash": release.content_hash}
    assert client.post(decide, form).status_code == 422  # asked for it, and no compliance
    assert second.post(decide, form | {"confirm": "9999"}).status_code == 422
    assert second.post(decide, form).status_code == 302
    held.send()
    assert held.line(BTC).held == 150_000_000
    assert (
        "1.50 BTC"
        in client.get(reverse("freeze_detail", args=[held.freeze.public_id])).content.decode()
    )


def test_an_extension_is_asked_for_and_rejected_on_screen(held: Held) -> None:
    ask = reverse("freeze_extend", args=[held.freeze.public_id])
    client = client_for(held)
    until = (timezone.now() + timedelta(days=300)).date().isoformat()
    form = {"until": until, "basis": "internal_suspicion", "reason": "R."}
    assert client.post(ask, form | {"until": "2020-01-01"}).status_code == 422
    assert client.post(ask, form).status_code == 302
    extension = FreezeExtension.objects.get()
    decide = reverse("extension_reject", args=[extension.public_id])
    assert client_for(held, "compliance").post(decide, {"reason": "No."}).status_code == 302
    extension.refresh_from_db()
    assert extension.state == "rejected"


def test_tasks_and_notes_on_their_tab(held: Held) -> None:
    client, case = client_for(held), held.case
    tab = reverse("case_tasks", args=[case.public_id])
    assert "Nothing to do" in client.get(tab).content.decode()
    client.post(reverse("task_new", args=[case.public_id]), {"title": "Call the bank"})
    task = Task.objects.get()
    assert "Call the bank" in client.get(tab).content.decode()
    client.post(reverse("task_finish", args=[task.public_id]))
    task.refresh_from_db()
    assert task.state == "done"
    client.post(reverse("note_new", args=[case.public_id]), {"text": "First."})
    note = Note.objects.get()
    edit = reverse("note_edit", args=[note.public_id])
    client.post(edit, {"text": "Second.", "number": 1})
    assert client.post(edit, {"text": "Third.", "number": 1}).status_code == 422
    assert "Second." in client.get(tab).content.decode()
    other = client_of(make_user("supervisor"))
    assert other.post(edit, {"text": "Mine.", "number": 2}).status_code == 403


def upload(held: Held, name: str, content: bytes) -> int:
    fields = {
        "document": SimpleUploadedFile(name, content), "title": "Letter", "kind": "document",
        "source": "FNTF", "source_grade": "A", "information_grade": "1",
    }  # fmt: skip
    url = reverse("evidence_new", args=[held.case.public_id])
    return int(client_for(held).post(url, fields).status_code)


def test_a_task_is_not_due_before_it_is_given(held: Held) -> None:
    client = client_of(User.objects.get(pk=held.analyst.user_id))
    url = reverse("task_new", args=[held.case.public_id])
    typed = {"title": "Call the bank", "due_at": "1999-01-01T10:00"}
    answer = client.post(url, typed)
    assert answer.status_code == 422
    assert "This time is over: give a later one, or none." in answer.content.decode()
    assert 'value="Call the bank"' in answer.content.decode()
    assert not Task.objects.exists()


def test_a_file_is_uploaded_and_served_as_a_download_that_never_runs(held: Held) -> None:
    assert upload(held, "x.html", b"<html>") == 422
    assert upload(held, "x.pdf", b"not a pdf") == 422
    assert upload(held, "x.pdf", b"%PDF-1.7 letter") == 302
    evidence = Evidence.objects.get()
    client = client_for(held)
    answer = client.get(reverse("evidence_file", args=[evidence.public_id]))
    assert answer.content == b"%PDF-1.7 letter"
    assert answer["Content-Disposition"] == 'attachment; filename="x.pdf"'
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    page = client.get(reverse("evidence_detail", args=[evidence.public_id])).content.decode()
    assert "Viewed" in page
    client.post(reverse("evidence_verify", args=[evidence.public_id]))
    export = reverse("evidence_export", args=[evidence.public_id])
    assert client.post(export, {"reason": "R."}).status_code == 403
    packed = client_of(make_user("supervisor")).post(export, {"reason": "Court."})
    assert packed["Content-Type"] == "application/zip"
    log = list(evidence.custody.order_by("seq").values_list("action", flat=True))
    assert log == ["acquire", "seal", "view", "verify", "export"]
    for route in ("evidence_file", "evidence_detail"):
        answer = client_of(make_user("auditor")).get(reverse(route, args=[evidence.public_id]))
        assert answer.status_code == 404
