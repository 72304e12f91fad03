"""Pictures of the journey; `make tour` keeps them and writes docs/tour.md around them."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from tests.browser.site import ROOT, Seat

FOLDER = ROOT / "docs" / "tour"
KEEP = os.environ.get("FIU_TEST_TOUR") == "1"


@dataclass
class Album:
    """Takes a picture of every step in light, and of some in dark as well."""

    scratch: Path
    pages: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return FOLDER if KEEP else self.scratch

    def take(self, seat: Seat, name: str, title: str, text: str, *, dark: bool = False) -> None:
        """Check the page, then keep its picture under `name`."""
        seat.check()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._shoot(seat, f"{name}-light.png")
        if dark:
            seat.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
            seat.check()
            self._shoot(seat, f"{name}-dark.png")
            seat.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.pages.append((name, title, text))

    def _shoot(self, seat: Seat, file: str) -> None:
        path = self.folder / file
        seat.page.evaluate("document.fonts.ready")
        seat.page.screenshot(path=path, animations="disabled")
        assert path.stat().st_size > 10_000

    def write(self) -> None:
        """docs/tour.md, in the order of the journey."""
        lines = [
            "# The tour",
            "",
            "The main job in pictures, played in a real browser by `make tour`.",
            "",
        ]
        for number, (name, title, text) in enumerate(self.pages, 1):
            lines += [
                f"## {number}. {title}",
                "",
                text,
                "",
                f"![{title}](tour/{name}-light.png)",
                "",
            ]
        (ROOT / "docs" / "tour.md" if KEEP else self.scratch / "tour.md").write_text(
            "\n".join(lines), encoding="utf-8"
        )
