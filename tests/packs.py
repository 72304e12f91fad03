"""One officer's package without a database, and the trial of its verifier by flipped bits.

    python -m tests.packs [NUMBER] [SEED]

flips one bit in each of NUMBER copies (1,000 unless told), turn by turn in every kind of file, and
ends with 1 where the verifier does not name exactly the changed file.
"""

import hashlib
import io
import os
import random
import sys
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import django

from cases.dossier import (
    Dossier,
    DossierExhibit,
    DossierMove,
    DossierRequest,
    DossierRun,
    DossierTag,
    Redaction,
    Seal,
    SealDecision,
)
from cases.exports import (
    canonical_json,
    csv,
    custody,
    exhibits,
    flow_svg,
    ftm,
    html,
    manifest,
    misp,
    package,
    pdf,
    run_seals,
    stix,
    verify,
)
from tests.unit.exports import test_exports
from tests.unit.exports.test_exports import ADDRESS, AMOUNT, BTC

WATERMARK = "0123456789"
SEED = 20_261_121
ETHER = "159840000000000000000"  # at 2,500 worth the 399,600.00 of the line
LINE = replace(test_exports.LINE, requested=ETHER, executed=ETHER, held=ETHER)
FIRST, SECOND = "ab" * 32, "12" * 32
RUN = DossierRun(
    number="T1",
    result_sha256=AMOUNT.result_sha256,
    ledger="bitcoin-regtest",
    chain=BTC.partition("/")[0],
    height=200,
    block_hash="34" * 32,
    engine_version="1.0.0",
    code_hash="56" * 32,
    direction="forward",
    policy="fifo",
    is_conserved=True,
    parameters='{"max_hops":8}',
    asset=BTC,
    symbol="BTC",
    decimals=8,
    seeds="830000000",
    ends="820180000",
    fees="9820000",
    cut="0",
    moves=(
        DossierMove(SECOND, 150, "2025-01-05T00:00:00Z", "in", "78" * 32 + ":1", "seed",
                    "830000000"),
        DossierMove(SECOND, 150, "2025-01-05T00:00:00Z", "out", f"{SECOND}:0", "middle",
                    "825000000"),
        DossierMove(FIRST, 151, "2025-01-06T00:00:00Z", "in", f"{SECOND}:0", "middle",
                    "825000000"),
        DossierMove(FIRST, 151, "2025-01-06T00:00:00Z", "out", f"{FIRST}:0", ADDRESS, "820180000"),
    ),
    num_moves_left_out=0,
)  # fmt: skip
TAG = DossierTag(
    "W1", ADDRESS, "Lanternbox", "market", "authority_data", 60, "https://list.example", "list",
    "9a" * 32, "CC0-1.0", "2025-01-01",
)  # fmt: skip
PAPER = b"%PDF-1.7\nThe page that the agency sent.\n"
EXHIBIT = DossierExhibit(
    "X1", ("F1",), "Document", "Page of the agency", "Post, 2025-05-18", "A1", "AMBER", "H0",
    "2025-05-18T09:00:00.000Z", "exhibit-X1.pdf", "application/pdf", len(PAPER),
    hashlib.sha256(PAPER).hexdigest(),
)  # fmt: skip
HELD_BACK = replace(
    EXHIBIT, number="X2", title=Redaction("handling"), source="", name="", mime="", size=0,
    sha256="", handling_code="H2",
)  # fmt: skip
REQUEST = DossierRequest(
    reference="REQ-2025-000001", agency_ref="FNTF-2025-0417", instrument="Court order",
    number="25-MJ-0417", issued_by="District court", issued_on="2025-05-16",
    legal_basis="18 U.S.C. 2703 (d)", asked=("Balances", "Devices"), granted=("Balances",),
    decided_at="2025-05-18T11:00:00.000Z", office="compliance",
)  # fmt: skip
CLEARED = SealDecision("clear_referral", "compliance", "2025-05-20T10:00:00.000Z")
DOSSIER = replace(
    test_exports.DOSSIER,
    request=REQUEST,
    seal=replace(test_exports.DOSSIER.seal or Seal("", 0, "", 0, ""), decisions=(CLEARED,)),
    exhibits=(EXHIBIT, HELD_BACK),
    freezes=(replace(test_exports.DOSSIER.freezes[0], lines=(LINE,)),),
    runs=(RUN,),
    tags=(TAG,),
)
CUSTODY = (
    custody.CustodyLine(
        "2025-05-19T10:00:00.000Z", "approve_finding", "F1", "supervisor", "01" * 16
    ),
    custody.CustodyLine(CLEARED.at, CLEARED.step, "release", CLEARED.office, "ef" * 16),
)
EXHIBIT_LOGS = {
    "X1": [
        exhibits.ExhibitLine(
            "2025-05-18T09:00:00.000Z", "acquire", "analyst", EXHIBIT.sha256, "23" * 16
        ),
        exhibits.ExhibitLine(
            "2025-05-20T15:00:00.000Z", "export", "supervisor", EXHIBIT.sha256, "45" * 16
        ),
    ]
}


def files_of(dossier: Dossier, *, with_pdf: bool = False) -> dict[str, bytes]:
    """The payload of one copy, made as the release service makes it."""
    page = html.render(dossier, WATERMARK)
    files = {canonical_json.NAME: canonical_json.render(dossier)}
    files |= csv.render_tables(dossier) | run_seals.render_all(dossier)
    files |= {custody.NAME: custody.render(dossier, CUSTODY), f"release-{WATERMARK}.html": page}
    files |= {each.NAME: each.render(dossier) for each in (stix, misp, ftm)}
    if dossier.runs:
        files[flow_svg.NAME] = flow_svg.render(dossier)
    if dossier.exhibits:
        files |= {EXHIBIT.name: PAPER, exhibits.NAME: exhibits.render(dossier, EXHIBIT_LOGS)}
    if with_pdf:
        files[f"release-{WATERMARK}.pdf"] = pdf.from_page(page, dossier, WATERMARK)
    return files


def packed(
    dossier: Dossier = DOSSIER, *, with_pdf: bool = False, stamp: bytes = b"", **changed: bytes
) -> bytes:
    """One officer's package; `changed` takes the place of files, named with or without ending."""
    files = files_of(dossier, with_pdf=with_pdf)
    for name, content in changed.items():
        full = next(each for each in files if name in (each, each.partition(".")[0]))
        files[full] = content
    listing = manifest.render(dossier, files, watermark=WATERMARK)
    return package.render(dossier, files, listing, watermark=WATERMARK, stamp=stamp)


def bag_of(content: bytes) -> dict[str, bytes]:
    """The files of a package by their path in the bag."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {info.filename.partition("/")[2]: archive.read(info) for info in archive.infolist()}


def named(files: Mapping[str, bytes]) -> set[str]:
    """The files that the verifier says were changed."""
    report = verify.check_all(dict(files), verify.Report())
    return {name for name, _why in report.wrong}


def flip(files: Mapping[str, bytes], number: int, seed: int = SEED) -> Counter[str]:
    """Flip one bit in each of `number` copies; how often each file was, all found and named.

    Raises AssertionError with the seed and the place where one was not.
    """
    chance = random.Random(seed)
    names = sorted(files)
    found: Counter[str] = Counter()
    for turn in range(number):
        name = names[turn % len(names)]
        at = chance.randrange(len(files[name]))
        content = bytearray(files[name])
        content[at] ^= 1 << chance.randrange(8)
        told = named({**files, name: bytes(content)})
        assert told == {name}, f"seed {seed}, {name} at byte {at}: named {sorted(told)}"
        found[name] += 1
    return found


def main(arguments: list[str]) -> int:
    number = int(arguments[0]) if arguments else 1000
    seed = int(arguments[1]) if len(arguments) > 1 else SEED
    django.setup()
    digest = hashlib.sha256(canonical_json.render(DOSSIER)).digest()
    content = packed(with_pdf=pdf.is_available(), stamp=b"a stamp of " + digest)
    content = package.with_download(content, {"download": "1"})
    try:
        found = flip(bag_of(content), number, seed)
    except AssertionError as error:
        print(f"NOT FOUND: {error}")
        return 1
    for name, times in sorted(found.items()):
        print(f"{times:5}  {name}")
    print(f"{found.total()} flipped bits in {len(found)} kinds of file: each named, nothing else.")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")
    sys.exit(main(sys.argv[1:]))
