"""Where the amounts and names of a dossier come from: sealed traces, the way walked, the tags.

Of a trace only what leads to a cited amount goes out: its other ends are addresses of people of
whom this release does not speak.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import rfc8785

from cases.dossier import DossierMove, DossierRun, DossierTag
from cases.models import Finding, FindingAmount, Wallet
from tracing import reads

MOST_MOVES = 2_000
"""Rows of one run's way; a longer one is cut, and the number of those left out is told."""
OWN = "house"
OWN_SOURCE = "Published by two people of this unit"


def runs_behind(findings: Iterable[Finding], redactions: Mapping[str, str]) -> list[DossierRun]:
    """The sealed traces that the amounts of these findings cite: 1 query a run the first time.

    Amounts that are left out for this recipient cite nothing. A run whose result is gone, or that
    keeps no books because it only lists paths, is left out: its hash stays with the amount.
    """
    cited: dict[tuple[UUID, str], set[str]] = {}
    for finding in findings:
        if f"{finding.reference}.amounts" in redactions:
            continue
        for amount in sorted(finding.amounts.all(), key=_place):
            if amount.run and amount.result_sha256:
                cited.setdefault((amount.run, amount.result_sha256), set()).add(amount.outpoint)
    found: list[DossierRun] = []
    for (run, sha256), outpoints in cited.items():
        made = _run(run, sha256, tuple(sorted(outpoints)))
        if made is not None:
            found.append(_numbered(made, len(found) + 1))
    return found


def _place(amount: FindingAmount) -> int:
    return int(amount.pk)


def _numbered(run: dict[str, Any], number: int) -> DossierRun:
    return DossierRun(number=f"T{number}", **run)


@lru_cache(maxsize=64)
def _run(run: UUID, sha256: str, outpoints: tuple[str, ...]) -> dict[str, Any] | None:
    """The fields of a run; kept for good, because what the hash names never changes."""
    result = reads.result(run)
    if result is None or result["seal"].get("result_sha256") != sha256:
        return None
    sheet, seal = result.get("balance_sheet"), result["seal"]
    if not sheet:
        return None
    unit = reads.asset_unit(result.get("asset"))
    moves = _ways(result.get("steps", ()), set(outpoints), result["direction"])
    snapshot = seal["snapshot"]
    return {
        "result_sha256": sha256,
        "ledger": snapshot["ledger"],
        "chain": snapshot["chain"],
        "height": snapshot["height"],
        "block_hash": snapshot["block_hash"],
        "engine_version": seal.get("engine_version", ""),
        "code_hash": seal.get("code_hash", ""),
        "direction": result["direction"],
        "policy": result["policy"],
        "is_conserved": bool(result["conserved"]),
        "parameters": rfc8785.dumps(_told(seal.get("parameters", {}))).decode(),
        "asset": reads.asset_name(result),
        "symbol": unit.symbol,
        "decimals": unit.decimals,
        "seeds": sheet["in"],
        "ends": sheet["ends"],
        "fees": sheet["fees"],
        "cut": sheet["cut"],
        "moves": tuple(moves[:MOST_MOVES]),
        "num_moves_left_out": max(0, len(moves) - MOST_MOVES),
    }


def _told(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters without the lists in them: of each how long it is, and its SHA-256.

    A trace starts and stops at wallets of which this release may say nothing, such as those of
    other suspects. Whoever has the lists can still prove that they are the ones.
    """
    return {
        name: {"count": len(value), "sha256": hashlib.sha256(rfc8785.dumps(value)).hexdigest()}
        if isinstance(value, list | dict)
        else value
        for name, value in parameters.items()
    }


def _ways(steps: Sequence[Mapping[str, Any]], cited: set[str], direction: str) -> list[DossierMove]:
    """The transactions between the seeds and the cited outputs, oldest first: O(rows)."""
    far, near = ("in", "out") if direction == "forward" else ("out", "in")
    by_near: dict[str, list[int]] = {}
    for number, step in enumerate(steps):
        for row in step[near]:
            by_near.setdefault(row[0], []).append(number)
    kept: dict[int, set[str]] = {}
    waiting, seen = list(cited), set(cited)
    while waiting:
        outpoint = waiting.pop()
        for number in by_near.get(outpoint, ()):
            kept.setdefault(number, set()).add(outpoint)
            for row in steps[number][far]:
                if row[0] not in seen:
                    seen.add(row[0])
                    waiting.append(row[0])
    moves: dict[DossierMove, int] = {}
    for number in sorted(kept):
        step = steps[number]
        for side in ("in", "out"):
            for row in step[side]:
                if side == far or row[0] in kept[number]:
                    move = DossierMove(
                        step["txid"], step["height"], step["at"], side, row[0], row[1] or "", row[2]
                    )
                    moves[move] = moves.get(move, 0) + 1
    # An account's transfer may be walked in parts of equal size: each part is a row.
    rows = [move for move, times in moves.items() for _part in range(times)]
    return sorted(rows, key=lambda m: (m.height, m.at, m.txid, m.side, m.outpoint, m.base))


def tags_behind(wallets: Mapping[Wallet, str], redactions: Mapping[str, str]) -> list[DossierTag]:
    """Tags on the wallets of a dossier, with pack and licence: 1 query a ledger.

    A pack without a licence is for the house alone, and so are the tags of a wallet whose name is
    left out for this recipient. What this unit published itself names no source of its own.
    """
    by_ledger: dict[str, dict[str, str]] = {}
    for wallet, number in wallets.items():
        if f"{wallet.address}.label" not in redactions:
            by_ledger.setdefault(wallet.ledger, {})[wallet.address] = number
    found: list[DossierTag] = []
    for ledger, numbers in sorted(by_ledger.items()):
        for address, tags in reads.direct_tags(ledger, numbers).items():
            found += [
                _tag(numbers[address], address, tag)
                for tag in tags
                if tag.licence or tag.pack_sha256 == OWN
            ]
    return sorted(found, key=lambda each: (int(each.wallet[1:]), -each.level, each.label))


def _tag(number: str, address: str, tag: reads.TagView) -> DossierTag:
    is_own = tag.pack_sha256 == OWN
    return DossierTag(
        wallet=number,
        address=address,
        label=tag.label,
        category=tag.category,
        confidence=tag.confidence,
        level=tag.level,
        source=OWN_SOURCE if is_own else tag.source,
        pack="" if is_own else tag.pack,
        pack_sha256="" if is_own else tag.pack_sha256,
        licence=tag.licence,
        changed_on=tag.lastmod.isoformat() if tag.lastmod else "",
    )
