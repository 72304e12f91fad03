"""The stylesheet and scripts: budgets, contrast of the tokens, vendored files unchanged."""

import hashlib
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "fiu" / "static"
STYLESHEET = (STATIC / "css" / "tracehold.css").read_text()
TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(
        r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{3,6}), (#[0-9a-f]{3,6})\)", STYLESHEET
    )
}
GROUNDS = ("bg", "surface", "raised", "sunken")


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    digits = colour[1:]
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((text, ground) for text in ("ink", "ink-2", "ink-3", "accent") for ground in GROUNDS),
        *(
            (tone, ground)
            for tone in ("ice", "bad", "warn", "good", "violet")
            for ground in GROUNDS
        ),
        *((tone, f"{tone}-soft") for tone in ("accent", "ice", "bad", "warn", "good", "violet")),
        *(("ink", f"{tone}-soft") for tone in ("accent", "ice", "bad", "warn", "good", "violet")),
        ("on-accent", "accent"),
        ("on-accent", "accent-hover"),
    ],
)
def test_text_is_readable_on_its_ground(theme, text, ground):
    assert contrast(TOKENS[text][theme], TOKENS[ground][theme]) >= 4.5


def test_chips_wear_only_tones_that_the_stylesheet_has():
    pages = "".join(page.read_text() for page in (STATIC.parents[1] / "templates").rglob("*.html"))
    worn = set(re.findall(r'\{% chip (?:_\("[^"]*"\)|\S+) "([a-z]+)"', pages))
    assert {"good", "warn", "bad"} <= worn
    assert worn <= set(re.findall(r"\.tone-([a-z]+)", STYLESHEET))


def test_stylesheet_stays_under_forty_kilobytes():
    assert len(STYLESHEET.encode()) <= 40_000


def test_own_scripts_stay_under_thirty_kilobytes():
    assert sum(len(script.read_bytes()) for script in (STATIC / "js").glob("*.js")) <= 30_000


def test_scripts_neither_evaluate_text_nor_reach_out():
    for script in (STATIC / "js").glob("*.js"):
        text = script.read_text()
        assert not re.search(r"\beval\(|new Function|innerHTML\s*=|https?://", text), script.name
        assert "import " not in text, "modules are loaded by name, so that each keeps its hash"


@pytest.mark.parametrize(
    "folder", sorted(path.name for path in (STATIC / "vendor").iterdir() if path.is_dir())
)
def test_vendored_files_are_unchanged_and_carry_their_licence(folder):
    place = STATIC / "vendor" / folder
    sums = dict(
        reversed(line.split(maxsplit=1)) for line in (place / "SHA256SUMS").read_text().splitlines()
    )
    files = {path.name for path in place.iterdir()} - {"LICENSE", "SHA256SUMS"}
    assert (place / "LICENSE").exists()
    assert files == set(sums)
    for name in files:
        assert hashlib.sha256((place / name).read_bytes()).hexdigest() == sums[name]
