"""The package of a release: the same bytes each time, and every changed byte is named offline."""

import io
import random
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cases.dossier import Dossier, Redaction
from cases.exports import canonical_json, csv, html, manifest, package, pdf
from tests.unit.exports import test_exports
from tests.unit.exports.test_exports import AMOUNT, FINDING

pytestmark = pytest.mark.xdist_group("package")  # one release, made once
WATERMARK = "0123456789"
NUM_FLIPS = 80
SEED = 20_261_121
ETHER = "159840000000000000000"  # at 2,500 worth the 399,600.00 of the line
LINE = replace(test_exports.LINE, requested=ETHER, executed=ETHER, held=ETHER)
DOSSIER = replace(
    test_exports.DOSSIER, freezes=(replace(test_exports.DOSSIER.freezes[0], lines=(LINE,)),)
)
VERIFY = Path(package.__file__).with_name("verify.py")


def packed(dossier: Dossier = DOSSIER, *, with_pdf: bool = False, **tables: bytes) -> bytes:
    """One officer's package, made as the release service makes it."""
    page = html.render(dossier, WATERMARK)
    files = {name: render(dossier) for name, render in csv.TABLES.items()}
    files |= {canonical_json.NAME: canonical_json.render(dossier)}
    files |= {f"release-{WATERMARK}.html": page}
    if with_pdf:
        files[f"release-{WATERMARK}.pdf"] = pdf.from_page(page, dossier, WATERMARK)
    files |= {f"{name}.csv": content for name, content in tables.items()}
    listing = manifest.render(dossier, files, watermark=WATERMARK)
    return package.render(dossier, files, listing, watermark=WATERMARK)


def unpacked(content: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    [inside] = folder.iterdir()
    return inside


def verified(*arguments: object, script: Path = VERIFY) -> tuple[int, str]:
    """Exit status and words of verify.py, run by itself and without site packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def changed(words: str) -> set[str]:
    """The files that verify.py names."""
    lines = [line for line in words.splitlines() if line.startswith("CHANGED")]
    return {line.removeprefix("CHANGED").split(":")[0].strip() for line in lines}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = packed(with_pdf=pdf.is_available())
    return unpacked(content, tmp_path_factory.mktemp("package"))


def test_a_package_is_the_same_bytes_each_time() -> None:
    assert packed() == packed()
    with zipfile.ZipFile(io.BytesIO(packed())) as archive:
        entries = archive.infolist()
        assert [each.filename for each in entries] == sorted(each.filename for each in entries)
        assert {each.date_time for each in entries} == {(2025, 5, 20, 15, 0, 0)}
        assert {each.filename.split("/")[0] for each in entries} == {"R-2025-000001-0123456789"}
        assert archive.testzip() is None


def test_it_says_in_words_what_it_checked(release: Path) -> None:
    status, words = verified(script=release / "verify.py")
    assert status == 0, words
    assert changed(words) == set()
    for part in (
        "10 of 10 files" if pdf.is_available() else "9 of 9 files",
        "canonical form", "same release: R-2025-000001", "audit event 42",
        "amounts lie within their bounds", f"{csv.in_units(LINE.held, 18):f} ETH",
    ):  # fmt: skip
        assert part in words


def test_sha256sum_reads_the_same_list(release: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    command = ["sha256sum", "--strict", "-c", package.LISTING]
    done = subprocess.run(command, cwd=release, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": OK") == len(list(release.iterdir())) - 1


def test_each_flipped_byte_is_named(release: Path, tmp_path: Path) -> None:
    """A seeded run over every kind of file; the verifier in use is never the changed one."""
    chance = random.Random(SEED)
    names = sorted(path.name for path in release.iterdir())
    flips = []
    for number in range(NUM_FLIPS):
        name = names[number % len(names)]
        flips.append((number, name, chance.randrange((release / name).stat().st_size)))

    def run(flip: tuple[int, str, int]) -> str:
        number, name, at = flip
        copy = shutil.copytree(release, tmp_path / str(number))
        content = bytearray((copy / name).read_bytes())
        content[at] ^= 1 << (number % 8)
        (copy / name).write_bytes(bytes(content))
        status, words = verified(copy)
        shutil.rmtree(copy)
        assert status == 1, f"seed {SEED}, {name} at {at}: {words}"
        assert changed(words) == {name}, f"seed {SEED}, {name} at {at}: {words}"
        return name

    with ThreadPoolExecutor(2) as pool:
        found = Counter(pool.map(run, flips))
    assert set(found) == set(names)
    assert sum(found.values()) == NUM_FLIPS


def test_a_flipped_byte_of_the_zip_itself_is_named(tmp_path: Path) -> None:
    content = packed()
    place = content.index(b"tracehold-dossier")
    broken = tmp_path / "release.zip"
    broken.write_bytes(content)
    assert verified(broken)[0] == 0
    broken.write_bytes(content[:place] + b"X" + content[place + 1 :])
    status, words = verified(broken)
    assert status == 1
    assert "dossier.json" in changed(words)


def test_missing_and_foreign_files_are_named(release: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(release, tmp_path / "copy")
    (copy / "amounts.csv").unlink()
    (copy / "extra.csv").write_text("a,b\n")
    assert changed(verified(copy)[1]) == {"amounts.csv", "extra.csv"}
    (copy / package.LISTING).unlink()
    assert package.LISTING in changed(verified(copy)[1])
    assert verified(tmp_path / "nowhere")[0] == 2


@pytest.mark.parametrize(
    ("name", "dossier"),
    [
        ("dossier.json", replace(DOSSIER, findings=(
            replace(FINDING, amounts=(replace(AMOUNT, low="900000000"),)),
        ))),
        ("dossier.json", replace(DOSSIER, freezes=(
            replace(DOSSIER.freezes[0], lines=(replace(LINE, executed="1"),)),
        ))),
        ("dossier.json", replace(DOSSIER, freezes=(
            replace(DOSSIER.freezes[0], lines=(
                replace(LINE, requested="2", executed="2", held="2", decimals=0,
                        fiat_value="5000.02"),
            )),
        ))),
    ],
    ids=["bounds", "held", "value"],
)  # fmt: skip
def test_wrong_arithmetic_is_named_where_every_hash_holds(
    name: str, dossier: Dossier, tmp_path: Path
) -> None:
    (tmp_path / "release.zip").write_bytes(packed(dossier))
    status, words = verified(tmp_path / "release.zip")
    assert (status, changed(words)) == (1, {name})


@pytest.mark.parametrize(
    ("table", "before", "after"),
    [("amounts", b"820180000", b"820180001"), ("freezes", ETHER.encode(), b"7")],
)
def test_a_table_that_does_not_add_up_is_named(
    table: str, before: bytes, after: bytes, tmp_path: Path
) -> None:
    content = csv.TABLES[f"{table}.csv"](DOSSIER).replace(before, after)
    place = tmp_path / "release.zip"
    place.write_bytes(packed(DOSSIER, **{table: content}))
    assert changed(verified(place)[1]) == {f"{table}.csv"}


def test_what_was_left_out_does_not_disturb_the_sums(tmp_path: Path) -> None:
    hidden = replace(FINDING, amounts=Redaction("method"))
    place = tmp_path / "release.zip"
    place.write_bytes(packed(replace(DOSSIER, findings=(hidden,))))
    assert verified(place)[0] == 0
