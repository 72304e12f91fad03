"""The package of a release: the same bytes each time, and every changed byte is named offline."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import bagit
import pytest

from cases.dossier import Dossier, Redaction
from cases.exports import csv, manifest, merkle, package, pdf, verify
from tests.packs import (
    CLEARED,
    DOSSIER,
    ETHER,
    LINE,
    RUN,
    WATERMARK,
    bag_of,
    files_of,
    flip,
    named,
    packed,
)
from tests.unit.exports.test_exports import AMOUNT, FINDING

pytestmark = pytest.mark.xdist_group("package")  # one release, made once
VERIFY = Path(package.__file__).with_name("verify.py")
NUM_FLIPS = 150


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
def content() -> bytes:
    return packed(with_pdf=pdf.is_available())


@pytest.fixture(scope="module")
def release(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
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
        "21 files of the release" if pdf.is_available() else "20 files of the release",
        "8 files around them", "canonical form", "same release: R-2025-000001", "audit event 42",
        "amounts lie within their bounds", f"{csv.in_units(LINE.held, 18):f} ETH",
        "1 traced runs have a balance sheet that adds up to zero", "one chain of 2 lines",
        "2 transactions pass on no more", "the root over",
        "4 accounts, personal fields and datasets were granted, 1 were not",
        "under REQ-2025-000001", "clear_referral by compliance",
        "1 exhibits are the files", "2 lines of custody, each log one chain; 1 were left out",
    ):  # fmt: skip
        assert part in words


def test_others_who_know_bags_call_it_valid(release: Path) -> None:
    """The Library of Congress' own program, and coreutils, over both lists."""
    bag = bagit.Bag(str(release))
    bag.validate()
    assert bag.info["External-Identifier"] == "REF-2025-000001"
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    for algorithm in package.ALGORITHMS:
        for name in (f"manifest-{algorithm}.txt", f"tagmanifest-{algorithm}.txt"):
            command = [f"{algorithm}sum", "--strict", "-c", name]
            done = subprocess.run(command, cwd=release, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr


def test_sha256sum_names_the_file_in_which_a_byte_was_changed(
    release: Path, tmp_path: Path
) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    copy = shutil.copytree(release, tmp_path / "copy")
    (copy / "data/flow.svg").write_bytes(b"X" + (copy / "data/flow.svg").read_bytes()[1:])
    command = ["sha256sum", "-c", package.LISTING]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if not line.endswith(": OK")] == [
        "data/flow.svg: FAILED"
    ]


def test_each_flipped_bit_is_named_with_its_file_alone(content: bytes) -> None:
    """A seeded run over every kind of file; `python -m tests.packs` is the long one."""
    files = bag_of(package.with_download(content, {"download": "1"}))
    found = flip(files, NUM_FLIPS)
    assert set(found) == set(files)
    assert found.total() == NUM_FLIPS


def test_a_flipped_byte_of_the_zip_itself_is_named(tmp_path: Path) -> None:
    content = packed()
    place = content.index(b"tracehold-dossier")
    broken = tmp_path / "release.zip"
    broken.write_bytes(content)
    assert verified(broken)[0] == 0
    broken.write_bytes(content[:place] + b"X" + content[place + 1 :])
    status, words = verified(broken)
    assert status == 1
    assert "data/dossier.json" in changed(words)


def test_missing_and_foreign_files_are_named(release: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(release, tmp_path / "copy")
    (copy / "data/amounts.csv").unlink()
    (copy / "data/extra.csv").write_text("a,b\n")
    assert changed(verified(copy)[1]) == {"data/amounts.csv", "data/extra.csv"}
    (copy / package.LISTING).unlink()
    assert package.LISTING in changed(verified(copy)[1])
    assert verified(tmp_path / "nowhere")[0] == 2


def test_the_slip_of_a_download_names_it_and_leaves_every_sealed_byte(content: bytes) -> None:
    first = package.with_download(content, {"download": "TH7K-1", "at": "2025-05-21T00:00:00Z"})
    second = package.with_download(content, {"download": "TH7K-2", "at": "2025-05-21T00:00:01Z"})
    assert first != second
    for slipped in (first, second):
        files = bag_of(slipped)
        assert named(files) == set()
        assert files.pop(package.DOWNLOAD).startswith(b"download: TH7K-")
        assert files == bag_of(content)


def test_a_file_changed_together_with_a_list_still_contradicts_the_others(content: bytes) -> None:
    files = bag_of(content)
    wrong = hashlib.sha256(b"x").hexdigest().encode()
    right = hashlib.sha256(files["data/wallets.csv"]).hexdigest().encode()
    files["data/wallets.csv"] = b"x"
    files[package.LISTING] = files[package.LISTING].replace(right, wrong)
    assert named(files) == {"manifest-sha512.txt", package.LISTING, "data/manifest.json"}


def test_the_root_is_that_of_rfc_6962() -> None:
    leaves = [bytes.fromhex(each) for each in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )]  # fmt: skip
    assert merkle.root_of(leaves[:1]).hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert merkle.root_of(leaves).hex() == (
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    )


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
        ("trace-T1.json", replace(DOSSIER, runs=(replace(RUN, cut="1"),))),
        ("transactions.csv", replace(DOSSIER, runs=(
            replace(RUN, moves=(*RUN.moves[:3], replace(RUN.moves[3], base="825000001"))),
        ))),
    ],
    ids=["bounds", "held", "value", "sheet", "transaction"],
)  # fmt: skip
def test_wrong_arithmetic_is_named_where_every_hash_holds(name: str, dossier: Dossier) -> None:
    assert named(bag_of(packed(dossier))) == {f"data/{name}"}


def test_a_broken_chain_of_custody_is_named_where_every_hash_holds() -> None:
    told = json.loads(files_of(DOSSIER)["custody.json"])
    told["log"][0]["office"] = "analyst"
    assert named(bag_of(packed(custody=json.dumps(told).encode()))) == {"data/custody.json"}


def test_an_exhibit_that_is_another_file_is_named_where_every_hash_holds() -> None:
    files = packed(**{"exhibit-X1": b"%PDF-1.7 another page"})
    assert named(bag_of(files)) == {"data/exhibit-X1.pdf"}


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [("office", "supervisor", "breaks at line 1"), ("file_sha256", "00" * 32, "breaks at line 1")],
)
def test_a_broken_custody_of_an_exhibit_is_named_where_every_hash_holds(
    field: str, value: str, why: str
) -> None:
    told = json.loads(files_of(DOSSIER)["exhibits.json"])
    told["exhibits"][0]["log"][0][field] = value
    files = bag_of(packed(**{"exhibits.json": json.dumps(told).encode()}))
    report = verify.check_all(dict(files), verify.Report())
    assert [name for name, _words in report.wrong] == ["data/exhibits.json"]
    assert why in report.wrong[0][1]


@pytest.mark.parametrize(
    ("table", "before", "after"),
    [("amounts", b"820180000", b"820180001"), ("freezes", ETHER.encode(), b"7")],
)
def test_a_table_that_does_not_add_up_is_named(table: str, before: bytes, after: bytes) -> None:
    changed_table = csv.TABLES[f"{table}.csv"](DOSSIER).replace(before, after)
    assert named(bag_of(packed(**{table: changed_table}))) == {f"data/{table}.csv"}


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"refused,not_accepted", b"granted,"), ("••1234".encode(), "••9999".encode()),
     (b"25-MJ-0417", b"25-MJ-0418"), (b"clear", b"clear"), (b",compliance,", b",supervisor,")],
    ids=["refusal", "account", "instrument", "nothing", "office"],
)  # fmt: skip
def test_a_list_of_grants_that_says_otherwise_is_named(before: bytes, after: bytes) -> None:
    grants = csv.render_grants(DOSSIER).replace(before, after)
    expected = set() if before == after else {"data/grants.csv"}
    assert named(bag_of(packed(grants=grants))) == expected


def test_a_grant_that_the_list_leaves_out_is_named() -> None:
    lines = csv.render_grants(DOSSIER).splitlines(keepends=True)
    assert named(bag_of(packed(grants=b"".join(lines[:-1])))) == {"data/grants.csv"}


def test_a_decision_that_custody_does_not_know_is_named() -> None:
    other = replace(CLEARED, office="supervisor")
    assert DOSSIER.seal is not None
    claimed = replace(DOSSIER, seal=replace(DOSSIER.seal, decisions=(other,)))
    assert named(bag_of(packed(claimed))) == {"data/custody.json"}


def test_a_release_from_before_there_was_the_list_is_still_whole() -> None:
    assert DOSSIER.seal is not None
    old = replace(DOSSIER, request=None, seal=replace(DOSSIER.seal, decisions=()))
    files = {name: each for name, each in files_of(old).items() if name != "grants.csv"}
    listing = manifest.render(old, files, watermark=WATERMARK)
    assert named(bag_of(package.render(old, files, listing, watermark=WATERMARK))) == set()
    assert b"decisions" not in files["dossier.json"]


def test_what_was_left_out_does_not_disturb_the_sums() -> None:
    hidden = replace(FINDING, amounts=Redaction("method"))
    assert named(bag_of(packed(replace(DOSSIER, findings=(hidden,), runs=())))) == set()
