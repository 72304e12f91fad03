"""Time stamps: a real authority made by openssl on this machine, and answers that are none."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from cases.exports import package, pdf
from cases.gateways.timestamps import SHA_256, StampRefused, check_answer, request_for, stamp
from cases.models import AuditEvent, ReleaseStamp
from cases.services.releases import render_copy
from cases.services.stamps import stamp_releases
from tests.casework import make_agency, make_asset, make_case, make_user
from tests.integration.services.test_liaison import send
from tests.packs import bag_of, named

pytestmark = pytest.mark.once
CONF = """\
[tsa]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
[ext]
extendedKeyUsage = critical,timeStamping
"""


def openssl(*arguments: str, folder: Path) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificate, the key and the rules of a time-stamping authority."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "tsa.cnf").write_text(CONF.format(folder=folder))
    (folder / "serial").write_text("01\n")
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", "tsa.key", "-out", "tsa.pem", "-days", "2", "-subj", "/CN=Test authority",
        "-addext", "extendedKeyUsage=critical,timeStamping", folder=folder,
    )  # fmt: skip
    return folder


@pytest.fixture
def serve(authority: Path) -> Iterator[Callable[[bytes | None], str]]:
    """The address of a server that stamps, or that answers these bytes."""
    servers: list[HTTPServer] = []

    def start(fixed: bytes | None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                answer = fixed
                if answer is None:
                    (authority / "query.tsq").write_bytes(query)
                    openssl(
                        "ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile",
                        "query.tsq", "-signer", "tsa.pem", "-inkey", "tsa.key", "-out",
                        "answer.tsr", folder=authority,
                    )  # fmt: skip
                    answer = (authority / "answer.tsr").read_bytes()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_arguments: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/tsr"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.django_db
def test_a_release_is_stamped_once_and_openssl_verifies_it(
    serve: Callable[[bytes | None], str], authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "is_available", lambda: False)
    make_asset()
    agency = make_agency()
    officer = make_user("liaison", agency=agency)
    release = send(make_case(), agency, officer).releases.get()
    url = serve(None)
    assert stamp_releases("") == 0
    assert stamp_releases(url) == 1
    assert stamp_releases(url) == 0
    assert AuditEvent.objects.filter(action="stamp_release").count() == 1
    copy = render_copy(release, officer.pk, "0123456789")
    files = bag_of(copy.files[-1].content)
    assert named(files) == set()
    assert files[package.STAMP] == bytes(ReleaseStamp.objects.get().answer)
    (authority / "dossier.json").write_bytes(files["data/dossier.json"])
    (authority / "dossier.tsr").write_bytes(files[package.STAMP])
    verify = ("ts", "-verify", "-data", "dossier.json", "-in", "dossier.tsr", "-CAfile", "tsa.pem")
    openssl(*verify, folder=authority)
    (authority / "dossier.json").write_bytes(files["data/dossier.json"] + b" ")
    with pytest.raises(AssertionError):
        openssl(*verify, folder=authority)


def test_an_answer_about_something_else_is_refused(
    serve: Callable[[bytes | None], str], authority: Path
) -> None:
    answer = stamp(serve(None), b"one thing")
    with pytest.raises(StampRefused, match="something else"):
        stamp(serve(answer), b"one thing")  # another nonce
    for wrong in (b"", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", answer[:-1], answer + b"\0"):
        with pytest.raises(StampRefused):
            stamp(serve(wrong), b"one thing")
    refusal = bytes.fromhex("30053003020102")
    with pytest.raises(StampRefused, match="refuses"):
        check_answer(refusal, b"\0" * 32, b"\1" * 8)


def test_who_does_not_answer_is_named_in_a_sentence() -> None:
    with pytest.raises(StampRefused, match="does not answer"):
        stamp("http://127.0.0.1:9/", b"x")


def test_the_request_is_what_openssl_reads(authority: Path) -> None:
    digest = hashlib.sha256(b"x").digest()
    (authority / "ours.tsq").write_bytes(request_for(digest, b"\xff" * 8))
    done = subprocess.run(
        ["openssl", "ts", "-query", "-in", "ours.tsq", "-text"], cwd=authority, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert "sha256" in done.stdout
    assert "0xFFFFFFFFFFFFFFFF" in done.stdout
    assert "Certificate required: yes" in done.stdout
    assert SHA_256 in (authority / "ours.tsq").read_bytes()
