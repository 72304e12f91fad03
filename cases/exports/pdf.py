"""The readable release as PDF, where Pango is installed; one copy per recipient.

PDF/A-3u requested, not certified. Nothing is fetched: whatever the page would load from anywhere
ends the export with an error (S11).
"""

import importlib
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
    "The PDF shows boxes for Chinese letters: no font for them is installed where it was made. The"
    " HTML page shows them, and they can be copied out of the PDF."
)


class PdfRefused(Exception):
    """The page asked for something from outside, or Pango is missing."""


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


@cache
def _closed_fetcher() -> Any:
    urls = importlib.import_module("weasyprint.urls")

    class ClosedFetcher(urls.URLFetcher):  # type: ignore[misc, name-defined]  # ships no types
        def fetch(self, url: str, headers: Any = None) -> Any:
            raise urls.FatalURLFetchingError(f"an export loads nothing: {url[:80]}")

    return ClosedFetcher(), urls.FatalURLFetchingError


def render(dossier: Dossier, watermark: str = "") -> bytes:
    """The PDF of the page, with the dossier attached; same dossier and watermark, same bytes.

    Raises PdfRefused; where Pango is missing too: ask `is_available` first.
    """
    return from_page(html.render(dossier, watermark), dossier, watermark)


def from_page(page: bytes, dossier: Dossier, watermark: str = "") -> bytes:
    """As `render`, from a page that stands already."""
    engine = _engine()
    if engine is None:
        raise PdfRefused(ABSENT)
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
