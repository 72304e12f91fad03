#!/usr/bin/env python3
"""Checks a Tracehold release offline, with the standard library of Python 3.8 or newer alone.

    python3 verify.py             the folder in which this file lies
    python3 verify.py FOLDER      another unpacked release
    python3 verify.py FILE.zip    a release as it was downloaded

It says in words what it checked and names every file that is not what the release says. Exit
status: 0 all is as released, 1 something differs, 2 nothing could be checked. It cannot vouch for
itself: `sha256sum -c manifest-sha256.txt` does, or a copy of it from another release.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
import zipfile
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path
from typing import Any

LISTING = "manifest-sha256.txt"
MANIFEST = "manifest.json"
DOSSIER = "dossier.json"
OWN_DIGEST = "# sha256 of the lines above: "
LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._-]{1,120})")
AMOUNT = re.compile(r"[0-9]{1,78}")


class Report:
    """What was checked, and what is wrong: (file or part, sentence)."""

    def __init__(self) -> None:
        self.checked: list[str] = []
        self.wrong: list[tuple[str, str]] = []

    def ok(self, sentence: str) -> None:
        self.checked.append(sentence)

    def bad(self, name: str, sentence: str) -> None:
        if (name, sentence) not in self.wrong:
            self.wrong.append((name, sentence))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read(place: Path, report: Report) -> dict[str, bytes]:
    """The files of a folder or of a ZIP, by name. Folders inside are not part of a release."""
    if place.is_dir():
        return {
            path.name: path.read_bytes()
            for path in sorted(place.iterdir())
            if path.is_file() and not path.name.startswith(".")
        }
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(place) as archive:
        for info in archive.infolist():
            name = info.filename.rpartition("/")[2]
            if not name:
                continue
            try:
                files[name] = archive.read(info)
            except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError):
                report.bad(name, "was changed: the archive's own check sum does not hold")
                files[name] = b""
    return files


def check_listing(files: dict[str, bytes], report: Report) -> dict[str, str]:
    """The list of files with their SHA-256; it carries the digest of its own lines."""
    content = files.get(LISTING)
    if content is None:
        report.bad(LISTING, "is missing")
        return {}
    body, mark, digest = content.rpartition(OWN_DIGEST.encode())
    listed: dict[str, str] = {}
    is_whole = bool(mark) and digest == f"{sha256(body)}\n".encode()
    for line in body.decode("utf-8", "replace").split("\n")[:-1]:
        found = LINE.fullmatch(line)
        if found is None:
            is_whole = False
        else:
            listed[found.group(2)] = found.group(1)
    if is_whole:
        report.ok(f"{LISTING} is whole: the digest it carries of its own lines holds.")
        return listed
    report.bad(LISTING, "was changed: the digest it carries of its own lines does not hold")
    return {}


def check_files(files: dict[str, bytes], listed: dict[str, str], report: Report) -> None:
    """Every listed file is there with its SHA-256, and nothing else is."""
    if not listed:
        return
    num_good = 0
    for name, digest in sorted(listed.items()):
        if name not in files:
            report.bad(name, "is missing")
        elif sha256(files[name]) != digest:
            report.bad(name, f"was changed: its SHA-256 is not the one in {LISTING}")
        else:
            num_good += 1
    for name in sorted(set(files) - set(listed) - {LISTING}):
        report.bad(name, "does not belong to the release")
    report.ok(f"{num_good} of {len(listed)} files have the SHA-256 that {LISTING} gives.")


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _value in pairs}) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def load(name: str, files: dict[str, bytes], report: Report) -> Any:
    """A JSON file, or None where it cannot be read."""
    try:
        return json.loads(files[name].decode("utf-8"), object_pairs_hook=unique)
    except KeyError:
        report.bad(name, "is missing")
    except ValueError:
        report.bad(name, "was changed: it cannot be read as JSON")
    return None


def check_manifest(manifest: Any, files: dict[str, bytes], report: Report) -> None:
    """The second list, in which the release itself wrote name, size and SHA-256 of its files."""
    try:
        entries = [(each["name"], each["size"], each["sha256"]) for each in manifest["files"]]
    except (KeyError, TypeError):
        report.bad(MANIFEST, "was changed: it is not of the format of a manifest")
        return
    num_good = 0
    for name, size, digest in entries:
        content = files.get(name)
        if content is None:
            report.bad(name, f"is named in {MANIFEST} and missing")
        elif len(content) == size and sha256(content) == digest:
            num_good += 1
        elif not any(wrong == name for wrong, _why in report.wrong):
            report.bad(MANIFEST, f"does not agree with {name}")
    report.ok(
        f"{num_good} of {len(entries)} files have the size and SHA-256 that {MANIFEST} gives."
    )


def check_dossier(dossier: Any, manifest: Any, content: bytes, report: Report) -> None:
    """The dossier is canonical JSON and carries the number, time and audit point of the release."""
    canonical = json.dumps(dossier, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if canonical.encode() != content:
        report.bad(DOSSIER, "was changed: it is not in canonical form (RFC 8785)")
        return
    report.ok(f"{DOSSIER} is in canonical form; its SHA-256 is {sha256(content)}.")
    try:
        seal, told = dossier["release"], manifest
        pairs = [
            (seal["number"], told["release"]),
            (seal["sealed_at"], told["sealed_at"]),
            (seal["audit_seq"], told["audit"]["seq"]),
            (seal["audit_hash"], told["audit"]["hash"]),
            (dossier["referral"], told["referral"]),
        ]
    except (KeyError, TypeError):
        report.bad(MANIFEST, f"and {DOSSIER} cannot be compared")
        return
    if any(one != other for one, other in pairs):
        report.bad(MANIFEST, f"and {DOSSIER} do not speak of the same release")
        return
    report.ok(
        f"{MANIFEST} and {DOSSIER} speak of the same release: {seal['number']}, sealed"
        f" {seal['sealed_at']}, audit event {seal['audit_seq']} with hash {seal['audit_hash']}."
    )


def base(text: Any) -> int:
    """Base units out of their text. Raises ValueError for anything but digits."""
    if not isinstance(text, str) or not AMOUNT.fullmatch(text):
        raise ValueError(f"not an amount in base units: {text!r}")
    return int(text)


def units(amount: int, decimals: int) -> Decimal:
    with localcontext() as context:
        context.prec = 100
        return Decimal(amount).scaleb(-decimals)


def table(name: str, files: dict[str, bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode("utf-8"), newline="")))


def check_amounts(dossier: Any, files: dict[str, bytes], report: Report) -> None:
    """Each amount lies within its bounds, and the table of amounts adds up to the findings."""
    sums: dict[tuple[str, str], int] = {}
    num_amounts = 0
    for finding in dossier["findings"]:
        if isinstance(finding["amounts"], dict):  # left out for this recipient
            continue
        for each in finding["amounts"]:
            value, policy = base(each["value"]), base(each["base"])
            low, high = base(each["low"]), base(each["high"])
            num_amounts += 1
            if not (low <= high <= value and policy <= value):
                report.bad(DOSSIER, f"an amount of {finding['number']} is outside its bounds")
            key = (finding["number"], each["asset"])
            sums[key] = sums.get(key, 0) + policy
    told: dict[tuple[str, str], int] = {}
    for row in table("amounts.csv", files):
        key = (row["finding"], row["asset"])
        told[key] = told.get(key, 0) + base(row["amount_base"])
    if told != sums:
        report.bad("amounts.csv", f"does not add up to the amounts of {DOSSIER}")
        return
    report.ok(
        f"{num_amounts} amounts lie within their bounds; amounts.csv adds up to the findings"
        f" in {len(sums)} sums."
    )


def check_freezes(dossier: Any, files: dict[str, bytes], report: Report) -> None:
    """What is held never exceeds what was executed; values follow price; the table adds up."""
    held: dict[str, int] = {}
    names: dict[str, tuple[str, int]] = {}
    num_lines = num_values = 0
    for freeze in dossier["freezes"]:
        for line in freeze["lines"]:
            executed, holds = base(line["executed"]), base(line["held"])
            base(line["requested"])
            num_lines += 1
            if holds > executed:
                report.bad(DOSSIER, f"a line of {freeze['number']} holds more than was executed")
            held[line["asset"]] = held.get(line["asset"], 0) + holds
            names[line["asset"]] = (line["symbol"], line["decimals"])
            if line["fiat_value"] and line["price"]:
                num_values += 1
                with localcontext() as context:
                    context.prec = 100
                    worth = units(executed, line["decimals"]) * Decimal(line["price"])
                    differs = abs(worth - Decimal(line["fiat_value"])) > Decimal("0.01")
                if differs:
                    report.bad(DOSSIER, f"a value of {freeze['number']} is not amount times price")
    told: dict[str, int] = {}
    for row in table("freezes.csv", files):
        told[row["asset"]] = told.get(row["asset"], 0) + base(row["held_base"])
    if told != held:
        report.bad("freezes.csv", f"does not add up to the lines of {DOSSIER}")
        return
    words = ", ".join(f"{units(held[a], names[a][1]):f} {names[a][0]}" for a in sorted(held))
    report.ok(
        f"{num_lines} held lines add up to {words or 'nothing'}; {num_values} values are amount"
        " times price, to the cent."
    )


def check_arithmetic(dossier: Any, files: dict[str, bytes], report: Report) -> None:
    for name, check in (("amounts.csv", check_amounts), ("freezes.csv", check_freezes)):
        try:
            check(dossier, files, report)
        except KeyError as error:
            report.bad(name, f"cannot be added up: {error} is missing")
        except (TypeError, ValueError, InvalidOperation, csv.Error) as error:
            report.bad(name, f"cannot be added up: {error}")


def check(place: Path) -> Report:
    """Everything that can be checked offline of the release in this folder or ZIP."""
    report = Report()
    files = read(place, report)
    check_files(files, check_listing(files, report), report)
    manifest = load(MANIFEST, files, report)
    if manifest is not None:
        check_manifest(manifest, files, report)
    dossier = load(DOSSIER, files, report)
    if dossier is not None:
        check_dossier(dossier, manifest, files[DOSSIER], report)
        # Sums of what was changed say nothing: they are checked of what is as released.
        if not report.wrong:
            check_arithmetic(dossier, files, report)
    return report


def main(arguments: list[str]) -> int:
    place = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    try:
        report = check(place)
    except (OSError, zipfile.BadZipFile) as error:
        print(f"Nothing could be checked: {error}")
        return 2
    for sentence in report.checked:
        print(f"checked  {sentence}")
    for name, sentence in report.wrong:
        print(f"CHANGED  {name}: {sentence}")
    if report.wrong:
        print(f"This is NOT the release as it was sealed: {len(report.wrong)} differences.")
        return 1
    print("Everything is as it was sealed. Compare the SHA-256 of dossier.json with the one that")
    print("the sender's page shows: only that tells who sealed it.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
