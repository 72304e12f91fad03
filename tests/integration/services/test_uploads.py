"""Files are shown to the virus scanner before they are taken, at each door."""

import io
import socketserver
import struct
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from cases.liaison.forms_requests import RequestForm
from cases.models import Evidence
from cases.services.errors import CaseworkError
from cases.services.uploads import require_clean
from tests.casework import make_actor, make_case, make_user
from tests.conftest import client_of
from tests.integration.api.conftest import program_of

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class FakeClamd(socketserver.BaseRequestHandler):
    """Answers INSTREAM as clamd documents it; some contents make it fail."""

    def handle(self) -> None:
        file = self.request.makefile("rb")
        assert file.read(10) == b"zINSTREAM\0"
        content = b""
        while size := struct.unpack("!L", file.read(4))[0]:
            content += file.read(size)
        if EICAR in content:
            self.request.sendall(b"stream: Eicar-Test-Signature FOUND\0")
        elif content.startswith(b"too large"):
            self.request.sendall(b"INSTREAM size limit exceeded. ERROR\0")
        elif not content.startswith(b"silence"):
            self.request.sendall(b"stream: OK\0")


@pytest.fixture(params=["tcp", "unix"])
def clamd(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> Iterator[None]:
    server: socketserver.BaseServer
    if request.param == "tcp":
        tcp = socketserver.TCPServer(("127.0.0.1", 0), FakeClamd)
        server, settings.CLAMD = tcp, f"tcp://127.0.0.1:{tcp.server_address[1]}"
    else:
        place = tmp_path / "clamd.ctl"
        server = socketserver.UnixStreamServer(str(place), FakeClamd)
        settings.CLAMD = f"unix://{place}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("clamd")
def test_what_the_scanner_names_is_not_taken() -> None:
    clean = io.BytesIO(b"x" * 200_000)
    require_clean(clean)
    assert clean.read(1) == b"x"  # still at its beginning
    with pytest.raises(CaseworkError, match="refuses this file"):
        require_clean(io.BytesIO(b"note: " + EICAR))


@pytest.mark.usefixtures("clamd")
@pytest.mark.parametrize("content", [b"too large for you", b"silence"])
def test_what_nobody_looked_at_is_not_taken_either(content: bytes) -> None:
    with pytest.raises(CaseworkError, match="does not answer"):
        require_clean(io.BytesIO(content))


def test_a_scanner_that_is_away_closes_the_door_and_none_leaves_it_open(settings: Any) -> None:
    require_clean(io.BytesIO(EICAR))
    for place in ("tcp://127.0.0.1:9", "unix:///nowhere/clamd.ctl"):
        settings.CLAMD = place
        with pytest.raises(CaseworkError, match="does not answer"):
            require_clean(io.BytesIO(b"note"))


@pytest.mark.django_db
@pytest.mark.parametrize("clamd", ["unix"], indirect=True)
def test_every_door_shows_its_files_to_the_scanner(clamd: None) -> None:
    user = make_user("analyst")
    case = make_case(make_actor(user))
    words = {
        "kind": "document", "title": "Note", "source": "Mail", "source_grade": "A",
        "information_grade": "1",
    }  # fmt: skip

    def bad() -> SimpleUploadedFile:
        return SimpleUploadedFile("note.txt", b"note: " + EICAR)

    page = client_of(user).post(
        reverse("evidence_new", args=[case.public_id]), words | {"document": bad()}
    )
    assert page.status_code == 422
    assert b"refuses this file" in page.content
    program = program_of(user)
    answer = program.client.post(
        f"/api/v1/cases/{case.public_id}/evidence", words | {"document": bad()},
        headers={"Authorization": f"Bearer {program.token}", "Idempotency-Key": "k"},
    )  # fmt: skip
    assert answer.status_code == 422
    page = client_of(user).post(
        reverse("instrument_new", args=[case.public_id]),
        {"type": "court_order", "number": "1", "issued_by": "Court", "issued_on": "2026-01-05",
         "jurisdiction": "XX", "document": SimpleUploadedFile("a.pdf", b"%PDF-1.7 " + EICAR)},
    )  # fmt: skip
    assert page.status_code == 422
    assert not case.instruments.exists()
    form = RequestForm({}, {"document": bad()}, due_on=date(2030, 1, 1))
    assert "refuses this file" in str(form.errors["document"])
    assert not Evidence.objects.exists()
