"""The printed release under programs that are not ours: its form, and every font inside it."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cases.exports import pdf
from cases.report_words import LANGUAGES
from tests.packs import DOSSIER

pytestmark = pytest.mark.once


@pytest.fixture(scope="module", params=sorted(LANGUAGES))
def release(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release in one language, with suspects, wallets, a picture and an exhibit."""
    if not pdf.is_available():
        pytest.skip("Pango is not installed")
    file = tmp_path_factory.mktemp("pdf") / f"release-{request.param}.pdf"
    file.write_bytes(pdf.render(replace(DOSSIER, language=request.param), "TH7K2M9QX4"))
    return file


def told_by(program: str, *arguments: object) -> tuple[int, str]:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def test_qpdf_finds_nothing_wrong_with_its_form(release: Path) -> None:
    status, words = told_by("qpdf", "--check", release)
    assert status == 0, words
    assert "No syntax or stream encoding errors found" in words


def test_qpdf_finds_what_is_wrong(release: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(release.read_bytes().replace(b"startxref", b"startxxxx"))
    assert told_by("qpdf", "--check", broken)[0] != 0


def test_every_font_is_embedded(release: Path) -> None:
    status, words = told_by("pdffonts", release)
    assert status == 0, words
    head, _rule, *fonts = words.splitlines()
    assert head.split()[-5:-1] == ["emb", "sub", "uni", "object"]
    assert len(fonts) >= 2
    embedded = [line.split()[-5] for line in fonts]  # emb sub uni object ID
    assert set(embedded) == {"yes"}, words


def test_the_dossier_is_attached(release: Path) -> None:
    status, words = told_by("pdfdetach", "-list", release)
    assert status == 0, words
    assert "dossier.json" in words


def test_every_letter_of_a_chinese_release_has_a_glyph_of_a_font_that_has_it(
    release: Path,
) -> None:
    """No box: what is read out of the page is what was written, and a font with it is inside."""
    if pdf.lacks_chinese():
        pytest.skip("no font with Chinese letters is installed")
    status, text = told_by("pdftotext", "-layout", release, "-")
    assert status == 0, text
    assert "\ufffd" not in text
    assert "法羅斯" in text
    if "zh-Hant" in release.name:
        for words in ("資金流向", "准予提供的帳戶", "法院命令 25-MJ-0417、", "編號"):
            assert words in text, "headings stay in one line"
    _status, fonts = told_by("pdffonts", release)
    latin = ("DejaVu", "Inter")
    names = [line.split()[0].partition("+")[2] for line in fonts.splitlines()[2:]]
    assert [name for name in names if not name.startswith(latin)] != []
