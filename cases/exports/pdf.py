"""The readable release as PDF, where Pango is installed; one copy per recipient.

PDF/A-3u requested, not certified. Nothing is fetched: whatever the page would load from anywhere
ends the export with an error (S11).
"""

import importlib
import re
import shutil
import subprocess
from datetime import datetime
from functools import cache
from typing import Any

from cases.dossier import Dossier
from cases.exports import canonical_json, html

NAME = "release.pdf"
MIME = "application/pdf"
ABSENT = "No PDF: Pango is not installed where this release was made. Print the HTML page instead."
NO_CHINESE = (
    "No PDF: no font with Chinese letters is installed where this release was made. Print the HTML"
    " page instead."
)
SOME_BOXES = (
    "The PDF shows boxes for the Chinese letters in it: no font with them is installed where it was"
    " made. The HTML page shows them, and they can be copied out of the PDF."
)
_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


class PdfRefused(Exception):
    """The page asked for something from outside, or Pango or a font is missing."""


@cache
def _engine() -> Any:
    """WeasyPrint, or None without Pango; loaded at the first PDF because it takes half a second."""
    try:
        return importlib.import_module("weasyprint")
    except OSError:
        return None


def is_available() -> bool:
    """Whether this installation can write PDF files."""
    return _engine() is not None


@cache
def lacks_chinese() -> bool:
    """Whether no installed font has Chinese letters, as fontconfig tells: they would be boxes."""
    program = shutil.which("fc-list")
    if program is None:
        return False  # nobody to ask
    found = subprocess.run(  # noqa: S603  # our own arguments
        [program, ":lang=zh-tw", "family"], capture_output=True, check=False, timeout=10
    )
    return found.returncode == 0 and not found.stdout.strip()


def prints(language: str) -> bool:
    """Whether a release in this language can be a PDF here: none that would be boxes is made."""
    return is_available() and not (language == "zh-Hant" and lacks_chinese())


def notes_on(dossier: Dossier, page: bytes) -> list[str]:
    """What a reader has to know of the PDF of this page, or why there is none."""
    if not is_available():
        return [ABSENT]
    if not prints(dossier.language):
        return [NO_CHINESE]
    has_boxes = lacks_chinese() and _CHINESE.search(page.decode()) is not None
    return [SOME_BOXES] if has_boxes else []


@cache
def _closed_fetcher() -> Any:
    urls = importlib.import_module("weasyprint.urls")

    class ClosedFetcher(urls.URLFetcher):  # type: ignore[misc, name-defined]  # ships no types
        def fetch(self, url: str, headers: Any = None) -> Any:
            raise urls.FatalURLFetchingError(f"an export loads nothing: {url[:80]}")

    return ClosedFetcher(), urls.FatalURLFetchingError


def render(dossier: Dossier, watermark: str = "") -> bytes:
    """The PDF of the page, with the dossier attached; same dossier and watermark, same bytes.

    Raises PdfRefused; where Pango or a font is missing too: ask `prints` first.
    """
    return from_page(html.render(dossier, watermark), dossier, watermark)


def from_page(page: bytes, dossier: Dossier, watermark: str = "") -> bytes:
    """As `render`, from a page that stands already."""
    engine = _engine()
    if engine is None:
        raise PdfRefused(ABSENT)
    if not prints(dossier.language):
        raise PdfRefused(NO_CHINESE)
    fetcher, outside = _closed_fetcher()
    sealed_at = datetime.fromisoformat(dossier.seal.sealed_at) if dossier.seal else None
    attached = engine.Attachment(
        string=canonical_json.render(dossier),
        name=canonical_json.NAME,
        description="The dossier as canonical JSON",
        created=sealed_at,
        modified=sealed_at,
        relationship="Data",
        url_fetcher=fetcher,
    )
    try:
        content: bytes = engine.HTML(string=page.decode(), url_fetcher=fetcher).write_pdf(
            pdf_variant="pdf/a-3u", pdf_identifier=watermark.encode(), attachments=[attached]
        )
    except outside as error:  # a BaseException: it would end the worker
        raise PdfRefused("the page asked for something from outside") from error
    return content
