"""A release whose letters no font has: no PDF of empty boxes, and everybody is told."""

import json
from dataclasses import replace

import pytest
from django.core.checks import run_checks

from cases.exports import pdf
from cases.files import load_bytes
from cases.models import SharedRelease
from fiu import fonts, preparation
from tests.conftest import SignIn
from tests.integration.web.referral_desk import make_desk
from tests.packs import DOSSIER

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pango, but no font with Chinese letters; drawing itself takes a second."""
    monkeypatch.setattr(pdf, "is_available", lambda: True)
    monkeypatch.setattr(pdf, "lacks_chinese", lambda: True)
    monkeypatch.setattr(pdf, "_engine", lambda: pytest.fail("a PDF was drawn"))
    monkeypatch.setattr(pdf, "from_page", _drawn)


def _drawn(page: bytes, dossier: object, watermark: str = "") -> bytes:
    return b"%PDF-"


def notes_of(release: SharedRelease) -> list[str]:
    grant = release.grants.get()
    file = release.files.get(name=f"manifest-{grant.watermark}.json")
    notes: list[str] = json.loads(load_bytes(file.sha256))["notes"]
    return notes


@pytest.mark.usefixtures("no_chinese")
def test_a_chinese_release_has_no_pdf_of_boxes_and_says_so() -> None:
    release = make_desk().release(language="zh-Hant")
    assert not release.files.filter(name__endswith=".pdf").exists()
    assert notes_of(release) == [pdf.NO_CHINESE]


@pytest.mark.usefixtures("no_chinese")
def test_another_language_keeps_its_pdf_and_tells_of_the_boxes_in_it() -> None:
    desk = make_desk()
    plain = desk.release()
    assert plain.files.filter(name__endswith=".pdf").exists()
    assert notes_of(plain) == []
    assert notes_of(desk.release(subject="法羅斯")) == [pdf.SOME_BOXES]


def test_a_pdf_of_boxes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "is_available", lambda: True)
    monkeypatch.setattr(pdf, "lacks_chinese", lambda: True)
    with pytest.raises(pdf.PdfRefused, match="no font with Chinese letters"):
        pdf.from_page(b"", replace(DOSSIER, language="zh-Hant"))


def test_the_deployment_check_and_the_start_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pdf, "is_available", lambda: True)
    monkeypatch.setattr(pdf, "lacks_chinese", lambda: False)
    assert fonts.check_fonts(None) == []
    preparation.say_what_is_lacking(said.append)
    assert said == []
    monkeypatch.setattr(pdf, "lacks_chinese", lambda: True)
    found = [each for each in run_checks(include_deployment_checks=True) if each.id == "fiu.W002"]
    assert [each.hint for each in found] == [fonts.HINT]
    assert "fonts-noto-cjk" in fonts.HINT
    preparation.say_what_is_lacking(said.append)
    assert said == [f"{fonts.NO_CHINESE} {fonts.HINT}"]
    monkeypatch.setattr(pdf, "is_available", lambda: False)
    assert [each.id for each in fonts.check_fonts(None)] == ["fiu.W001"]


def test_the_page_of_such_a_referral_says_it_before_it_is_sent(
    monkeypatch: pytest.MonkeyPatch, sign_in: SignIn
) -> None:
    monkeypatch.setattr(pdf, "is_available", lambda: True)
    desk = make_desk()
    client = sign_in(desk.analyst)
    page = f"/referrals/{desk.referral(language='zh-Hant').public_id}/"
    for lacks in (True, False):
        monkeypatch.setattr(pdf, "lacks_chinese", lambda lacks=lacks: lacks)
        assert (pdf.NO_CHINESE in client.get(page).content.decode()) is lacks
