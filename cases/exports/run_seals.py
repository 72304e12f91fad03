"""One file a sealed trace: what pins it and its balance sheet, as canonical JSON."""

import json

import rfc8785

from cases.dossier import Dossier, DossierRun

MIME = "application/json"
FORMAT = "tracehold-run-seal"


def name_of(run: DossierRun) -> str:
    return f"trace-{run.number}.json"


def render(run: DossierRun) -> bytes:
    """The seal of the whole result, which stays with the sender and can be repeated there.

    `in` = `ends` + `fees` + `cut`; the difference is null where the policy counts value twice.
    """
    return rfc8785.dumps(
        {
            "format": FORMAT,
            "format_version": 1,
            "number": run.number,
            "result_sha256": run.result_sha256,
            "snapshot": {
                "ledger": run.ledger,
                "chain": run.chain,
                "height": run.height,
                "block_hash": run.block_hash,
            },
            "engine_version": run.engine_version,
            "code_hash": run.code_hash,
            "direction": run.direction,
            "policy": run.policy,
            "parameters": json.loads(run.parameters),
            "asset": run.asset,
            "balance_sheet": {
                "in": run.seeds,
                "ends": run.ends,
                "fees": run.fees,
                "cut": run.cut,
                "difference": "0" if run.is_conserved else None,
            },
        }
    )


def render_all(dossier: Dossier) -> dict[str, bytes]:
    """The seals of a dossier by file name."""
    return {name_of(run): render(run) for run in dossier.runs}
