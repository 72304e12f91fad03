#!/usr/bin/env python3
"""Checks a Tracehold release offline, with the standard library of Python 3.8 or newer alone.

    python3 verify.py             the folder in which this file lies
    python3 verify.py FOLDER      another unpacked release
    python3 verify.py FILE.zip    a release as it was downloaded

It says in words what it checked and names every file that is not what the release says. Exit
status: 0 all is as released, 1 something differs, 2 nothing could be checked. It cannot vouch for
itself: `sha256sum -c tagmanifest-sha256.txt` does, or a copy of it from another release.

Every file stands in two lists, by SHA-256 and by SHA-512. Where the lists disagree, the one that
the file itself contradicts is the changed one.
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

PAYLOAD = "data/"
MANIFEST = "data/manifest.json"
DOSSIER = "data/dossier.json"
CUSTODY = "data/custody.json"
EXHIBITS = "data/exhibits.json"
TRANSACTIONS = "data/transactions.csv"
AMOUNTS = "data/amounts.csv"
FREEZES = "data/freezes.csv"
GRANTS = "data/grants.csv"
LISTS = ("manifest-sha256.txt", "manifest-sha512.txt")
TAG_LISTS = ("tagmanifest-sha256.txt", "tagmanifest-sha512.txt")
MERKLE = "merkle.json"
CHECKPOINT = "checkpoint.json"
DECLARATION = "bagit.txt"
DOWNLOAD = "download.txt"
STAMP = "dossier.tsr"
OWN_DIGEST = "# sha256 of the lines above: "
NAME = re.compile(r"(?:data/)?[A-Za-z0-9._-]{1,120}")
AMOUNT = re.compile(r"[0-9]{1,78}")
CUSTODY_PREFIX = b"tracehold-custody-v1\0"


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

    def is_bad(self, name: str) -> bool:
        return any(wrong == name for wrong, _why in self.wrong)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digest_of(listing: str, content: bytes) -> str:
    """By the algorithm that the name of the list says."""
    return hashlib.new("sha512" if "sha512" in listing else "sha256", content).hexdigest()


def read(place: Path, report: Report) -> dict[str, bytes]:
    """The files of a folder or of a ZIP, by their path inside the release."""
    if place.is_dir():
        return {
            path.relative_to(place).as_posix(): path.read_bytes()
            for path in sorted(place.rglob("*"))
            if path.is_file() and not path.name.startswith(".") and path.suffix != ".pyc"
        }
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(place) as archive:
        for info in archive.infolist():
            name = info.filename.partition("/")[2]
            if not name or name.endswith("/"):
                continue
            if name in files:
                report.bad(name, "stands twice in the archive")
            try:
                files[name] = archive.read(info)
            except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError):
                report.bad(name, "was changed: the archive's own check sum does not hold")
                files[name] = b""
    return files


def read_list(name: str, files: dict[str, bytes], report: Report) -> dict[str, str]:
    """One list of files with their digests; its lines are sorted and have one form only."""
    content = files.get(name)
    if content is None:
        report.bad(name, "is missing")
        return {}
    form = re.compile("[0-9a-f]{128}" if "sha512" in name else "[0-9a-f]{64}")
    listed: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").split("\n")[:-1]:
        digest, blank, path = line.partition("  ")
        if blank and form.fullmatch(digest) and NAME.fullmatch(path):
            listed[path] = digest
    lines = "".join(f"{digest}  {path}\n" for path, digest in sorted(listed.items()))
    if lines.encode() != content:
        report.bad(name, "was changed: a line of it is not in its form")
    return listed


def check_lists(
    names: tuple[str, str], files: dict[str, bytes], which: set[str], what: str, report: Report
) -> None:
    """Every file of `which` has both digests, and both lists name nothing else."""
    lists = {name: read_list(name, files, report) for name in names}
    num_good = 0
    for path in sorted(which.union(*lists.values())):
        naming = [name for name in names if path in lists[name]]
        content = files.get(path) if path in which else None
        if content is None:
            if len(naming) == len(names):
                report.bad(path, "is missing")
            else:
                report.bad(naming[0], f"was changed: it names {path}, which does not exist")
            continue
        true = [name for name in naming if lists[name][path] == digest_of(name, content)]
        if len(true) == len(names):
            num_good += 1
        elif true:
            other = names[0] if true[0] == names[1] else names[1]
            report.bad(other, f"was changed: it does not agree with {path}")
        elif naming:
            report.bad(path, "was changed: neither SHA-256 nor SHA-512 is the one in the lists")
        else:
            report.bad(path, "does not belong to the release")
    report.ok(f"{num_good} {what} have the SHA-256 and the SHA-512 that two lists give.")


def check_files(files: dict[str, bytes], report: Report) -> None:
    payload = {name for name in files if name.startswith(PAYLOAD)}
    check_lists(LISTS, files, payload, "files of the release", report)
    tags = set(files) - payload - set(TAG_LISTS) - {DOWNLOAD}
    check_lists(TAG_LISTS, files, tags, "files around them", report)
    if DOWNLOAD in files:
        body, mark, digest = files[DOWNLOAD].rpartition(OWN_DIGEST.encode())
        if mark and digest == f"{sha256(body)}\n".encode():
            report.ok(f"{DOWNLOAD} is whole. It tells of this one download and is not sealed.")
        else:
            report.bad(DOWNLOAD, "was changed: the digest it carries of its lines does not hold")


def root_of(leaves: list[bytes]) -> bytes:
    """The Merkle root by RFC 6962, 2.1."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    if not leaves:
        return hashlib.sha256(b"").digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


def check_root(files: dict[str, bytes], report: Report) -> None:
    """The one hash over all files: the leaves are the lines of the first list."""
    if report.is_bad(LISTS[0]) or report.is_bad(MERKLE):
        return
    told = load(MERKLE, files, report)
    if told is None:
        return
    leaves = files[LISTS[0]].splitlines()
    root = root_of(leaves).hex()
    if told.get("root") != root or told.get("leaves") != len(leaves):
        report.bad(MERKLE, "was changed: its root is not that of the files")
        return
    report.ok(f"{MERKLE} holds: the root over {len(leaves)} files is {root}.")


def check_declaration(files: dict[str, bytes], report: Report) -> None:
    """The folder says that it is a bag, version 1.0 (RFC 8493)."""
    if files.get(DECLARATION) != b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n":
        report.bad(DECLARATION, "is missing or was changed: this is no bag of version 1.0")


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
        content = files.get(PAYLOAD + str(name))
        if content is not None and len(content) == size and sha256(content) == digest:
            num_good += 1
        elif not report.is_bad(PAYLOAD + str(name)) and not report.is_bad(MANIFEST):
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
    for row in table(AMOUNTS, files):
        key = (row["finding"], row["asset"])
        told[key] = told.get(key, 0) + base(row["amount_base"])
    if told != sums:
        report.bad(AMOUNTS, f"does not add up to the amounts of {DOSSIER}")
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
    for row in table(FREEZES, files):
        told[row["asset"]] = told.get(row["asset"], 0) + base(row["held_base"])
    if told != held:
        report.bad(FREEZES, f"does not add up to the lines of {DOSSIER}")
        return
    words = ", ".join(f"{units(held[a], names[a][1]):f} {names[a][0]}" for a in sorted(held))
    report.ok(
        f"{num_lines} held lines add up to {words or 'nothing'}; {num_values} values are amount"
        " times price, to the cent."
    )


def check_runs(dossier: Any, files: dict[str, bytes], report: Report) -> None:
    """Each traced run adds up to the unit: what went in is at ends, paid as fees, or cut."""
    runs = dossier.get("runs", [])
    if not runs:
        return
    num_sheets = 0
    for run in runs:
        name = f"{PAYLOAD}trace-{run['number']}.json"
        told = load(name, files, report)
        if told is None:
            continue
        sheet = told["balance_sheet"]
        parts = [base(sheet[part]) for part in ("in", "ends", "fees", "cut")]
        is_poison = sheet["difference"] is None
        if not is_poison and (parts[0] != sum(parts[1:]) or base(sheet["difference"]) != 0):
            report.bad(name, "its balance sheet does not add up")
        same = [run[part] for part in ("seeds", "ends", "fees", "cut")]
        if told["result_sha256"] != run["result_sha256"] or parts != [base(each) for each in same]:
            report.bad(name, f"is not the run that {DOSSIER} names")
        num_sheets += not is_poison
    report.ok(
        f"{num_sheets} of {len(runs)} traced runs have a balance sheet that adds up to zero: in ="
        " ends + fees + cut. The others follow a policy that counts value more than once."
        if num_sheets < len(runs)
        else f"{num_sheets} traced runs have a balance sheet that adds up to zero: in = ends +"
        " fees + cut, in base units."
    )


def check_transactions(dossier: Any, files: dict[str, bytes], report: Report) -> None:
    """No transaction passes on more of the traced value than came into it."""
    # Poison counts value twice; backward, a transaction pays others beside the traced way.
    is_checked = {
        run["number"]: run["is_conserved"] and run["direction"] == "forward"
        for run in dossier.get("runs", [])
    }
    if not is_checked:
        return
    came: dict[tuple[str, str], int] = {}
    went: dict[tuple[str, str], int] = {}
    for row in table(TRANSACTIONS, files):
        side = came if row["side"] == "in" else went
        key = (row["run"], row["txid"])
        side[key] = side.get(key, 0) + base(row["amount_base"])
    num_good = 0
    for key, amount in went.items():
        if not is_checked[key[0]]:
            continue
        if amount > came.get(key, 0):
            report.bad(TRANSACTIONS, f"{key[1]} passes on more than came in")
        num_good += 1
    report.ok(f"{num_good} transactions pass on no more of the traced value than came into them.")


def check_custody(dossier: Any, files: dict[str, bytes], report: Report) -> None:
    """The custody log is one chain: each line carries the hash of the one before."""
    told = load(CUSTODY, files, report)
    if told is None:
        return
    place = first_break(told["log"])
    if place:
        report.bad(CUSTODY, f"the chain breaks at line {place}")
        return
    report.ok(f"{CUSTODY} is one chain of {len(told['log'])} lines.")


def first_break(log: list[dict[str, Any]]) -> int:
    """The number of the first line that does not continue its chain; 0 where all of them do."""
    before = "0" * 64
    for number, line in enumerate(log, 1):
        body = {key: value for key, value in line.items() if key != "hash"}
        words = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if line["before"] != before or line["hash"] != sha256(CUSTODY_PREFIX + words.encode()):
            return number
        before = line["hash"]
    return 0


def check_exhibits(dossier: Any, files: dict[str, bytes], report: Report) -> None:
    """Each exhibit is the file that was taken in, and its custody log is one chain up to it."""
    exhibits = dossier.get("exhibits", [])
    going = [each for each in exhibits if not isinstance(each["title"], dict)]
    if not exhibits:
        return
    told = load(EXHIBITS, files, report) if going else {"exhibits": []}
    if told is None:
        return
    logs = {each["exhibit"]: each["log"] for each in told["exhibits"]}
    num_lines = 0
    for each in going:
        name, log = PAYLOAD + each["name"], logs[each["number"]]
        content = files.get(name, b"")
        if len(content) != each["size"] or sha256(content) != each["sha256"]:
            report.bad(name, f"is not the exhibit {each['number']} that {DOSSIER} names")
        place = first_break(log)
        if place:
            report.bad(EXHIBITS, f"the custody of {each['number']} breaks at line {place}")
        elif not log or log[-1]["file_sha256"] != each["sha256"]:
            report.bad(EXHIBITS, f"the custody of {each['number']} does not end at its file")
        num_lines += len(log)
    left = len(exhibits) - len(going)
    report.ok(
        f"{len(going)} exhibits are the files that {DOSSIER} names, with {num_lines} lines of"
        f" custody, each log one chain; {left} were left out and say so."
    )


def granted(about: str, field: str, account: Any, value: Any) -> tuple[str, ...]:
    """One grant as its table has it: given, or left out with the code of the reason."""
    code = value["redacted"] if isinstance(value, dict) else ""
    shown = f"[redacted: {account['redacted']}]" if isinstance(account, dict) else account
    return (about, field, shown, "left out" if code else "granted", code)


def grants_in(dossier: Any) -> list[tuple[str, ...]]:
    """Every account, personal field and dataset of which the dossier speaks."""
    found: list[tuple[str, ...]] = []
    asked = dossier.get("request")
    for each in asked["asked"] if asked else []:
        is_given = each in asked["granted"]
        decision = ("granted", "") if is_given else ("refused", "not_accepted")
        found.append((asked["reference"], each, "", *decision))
    lines = [(freeze["number"], line) for freeze in dossier["freezes"] for line in freeze["lines"]]
    lines += [(each["number"], each) for each in dossier.get("customers", [])]
    for about, line in lines:
        for field, value in (("Account", line["account"]), ("Account holder", line["holder"])):
            if value:
                found.append(granted(about, field, line["account"], value))
    for each in dossier["suspects"]:
        if each["names"]:
            found.append(granted(each["number"], "Names", "", each["names"]))
    return found


def check_grants(dossier: Any, files: dict[str, bytes], report: Report) -> None:
    """The list of grants is that of the dossier, under its request and its decisions."""
    decisions = (dossier["release"] or {}).get("decisions", [])
    expected = grants_in(dossier)
    if GRANTS not in files and (not decisions or not expected):
        return  # a release from before there was this list, or with nothing to grant
    rows = table(GRANTS, files)
    told = [
        (row["about"], row["field"], row["account"], row["decision"], row["reason_code"])
        for row in rows
    ]
    if sorted(told) != sorted(expected):
        report.bad(GRANTS, f"is not the list of accounts and personal fields of {DOSSIER}")
        return
    asked = dossier.get("request") or {"reference": "", "number": "", "office": ""}
    by = {each["step"]: each for each in decisions}
    law = [("legal_gateway", dossier["legal_gateway"]), ("recipient", dossier["agency"])]
    law += [("request", asked["reference"]), ("instrument_number", asked["number"])]
    law += [("request_decided_by", asked["office"])]
    for step, name in (("redact", "left_out"), ("approve", "approved"), ("clear", "cleared")):
        taken = by.get(f"{step}_referral", {"office": "", "at": ""})
        law += [(f"{name}_by", taken["office"]), (f"{name}_at", taken["at"])]
    for row in rows:
        for name, value in law:
            if row[name].lstrip("'") != value.lstrip("'"):
                report.bad(GRANTS, f"{row['number']} has another {name} than {DOSSIER}")
                return
    log = load(CUSTODY, files, report) or {"log": []}
    steps = {(line["step"], line["office"], line["at"]) for line in log["log"]}
    for each in decisions:
        if (each["step"], each["office"], each["at"]) not in steps:
            report.bad(CUSTODY, f"does not know the decision {each['step']} of {DOSSIER}")
            return
    num_granted = sum(each[3] == "granted" for each in told)
    words = [f"{each['step']} by {each['office']}" for each in decisions]
    report.ok(
        f"{num_granted} accounts, personal fields and datasets were granted,"
        f" {len(told) - num_granted} were not, each with its reason code, under"
        f" {asked['reference'] or 'no request'}; grants.csv lists every one of {DOSSIER}."
        f" Decisions, as {CUSTODY} has them: {', '.join(words) or 'none kept'}."
    )


CHECKS = (
    (AMOUNTS, check_amounts),
    (FREEZES, check_freezes),
    (GRANTS, check_grants),
    (DOSSIER, check_runs),
    (TRANSACTIONS, check_transactions),
    (CUSTODY, check_custody),
    (EXHIBITS, check_exhibits),
)


def check_arithmetic(dossier: Any, files: dict[str, bytes], report: Report) -> None:
    for name, check in CHECKS:
        try:
            check(dossier, files, report)
        except KeyError as error:
            report.bad(name, f"cannot be added up: {error} is missing")
        except (TypeError, ValueError, InvalidOperation, csv.Error) as error:
            report.bad(name, f"cannot be added up: {error}")


def check_stamp(files: dict[str, bytes], report: Report) -> None:
    """The time stamp, where there is one, speaks of this dossier; who signed it is for openssl."""
    if STAMP not in files or report.is_bad(STAMP):
        return
    if bytes.fromhex(sha256(files[DOSSIER])) not in files[STAMP]:
        report.bad(STAMP, f"does not speak of {DOSSIER}")
        return
    report.ok(f"{STAMP} speaks of {DOSSIER}; openssl ts -verify says who signed it, and when.")


def check_checkpoint(dossier: Any, files: dict[str, bytes], report: Report) -> None:
    """Where the sender's record stood, told a second time beside the release."""
    told = load(CHECKPOINT, files, report)
    if told is None or not isinstance(dossier, dict) or report.is_bad(CHECKPOINT):
        return
    seal = dossier.get("release") or {}
    if [told.get("audit_seq"), told.get("audit_hash")] != [
        seal.get("audit_seq"),
        seal.get("audit_hash"),
    ]:
        report.bad(CHECKPOINT, f"and {DOSSIER} do not name the same place of the record")


def check(place: Path) -> Report:
    """Everything that can be checked offline of the release in this folder or ZIP."""
    report = Report()
    return check_all(read(place, report), report)


def check_all(files: dict[str, bytes], report: Report) -> Report:
    """The same of files that were read already, by their path inside the release."""
    check_declaration(files, report)
    check_files(files, report)
    check_root(files, report)
    manifest = load(MANIFEST, files, report)
    if manifest is not None and not report.is_bad(MANIFEST):
        check_manifest(manifest, files, report)
    dossier = load(DOSSIER, files, report)
    if dossier is not None and not report.is_bad(DOSSIER):
        check_dossier(dossier, manifest, files[DOSSIER], report)
        check_checkpoint(dossier, files, report)
        check_stamp(files, report)
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
