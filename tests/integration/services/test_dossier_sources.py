"""Where a release's amounts come from: sealed runs, the way to what is cited, tags with licence."""

import json
from dataclasses import replace
from uuid import uuid4

import pytest

from cases.dossier import DossierTag, DossierWallet, from_json, to_json
from cases.exports.custody import CustodyLine
from cases.models import Case, Finding, Wallet
from cases.queries.release_drift import release_drift
from cases.services.custody import custody_of
from cases.services.dossier_sources import runs_behind, tags_behind
from cases.services.dossiers import build_dossier
from cases.services.findings import AmountSpec
from cases.services.referrals import draft_referral, redact_referral
from cases.services.traces import queue_trace
from tests.casework import (
    BTC,
    LEDGER,
    end,
    finish_run,
    make_actor,
    make_agency,
    make_approved_finding,
    make_asset,
    make_case,
    make_user,
    person,
    trace_result,
)
from tests.packs import DOSSIER
from tracing.jobs import TraceParameters
from tracing.models import AttributionTag, TagPack

pytestmark = pytest.mark.django_db
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
STRANGER = "bcrt1qstrangerwhoisnobodysbusiness"
SEED, MIDDLE, LAST = "aa" * 32, "bb" * 32, "cc" * 32


def step(txid: str, came: list[list[str]], went: list[list[str]]) -> dict[str, object]:
    return {
        "txid": txid, "height": 100, "at": "2025-01-05T00:00:00Z", "hops": 1, "fee": "0",
        "in": came, "out": went,
    }  # fmt: skip


def traced(case: Case, **fields: object) -> object:
    """A finished run of this case that reached ADDRESS, and a stranger beside it."""
    run = queue_trace(
        case, TraceParameters(ledger=LEDGER, seeds=(f"{SEED}:0",)), by=person("analyst")
    ).run
    steps = [
        step(MIDDLE, [[f"{SEED}:0", "seed", "900"]], [
            [f"{MIDDLE}:0", "middle", "600", "passed_on"],
            [f"{MIDDLE}:1", STRANGER, "300", "exchange_boundary"],
        ]),
        step(LAST, [[f"{MIDDLE}:0", "middle", "600"]],
             [[f"{LAST}:0", ADDRESS, "590", "exchange_boundary"]]),
    ]  # fmt: skip
    result = trace_result([end(f"{LAST}:0", ADDRESS, value=590)], steps=steps, **fields)
    result["balance_sheet"] = {
        "in": "900", "ends": "890", "fees": "10", "cut": "0", "difference": "0",
    }  # fmt: skip
    result["seal"]["parameters"] = {"max_hops": 8, "stops": [STRANGER, ADDRESS]}
    finish_run(run, result)
    return run


def found(case: Case, run: object, outpoint: str = f"{LAST}:0") -> Finding:
    amounts = [
        AmountSpec(
            BTC, 590, 590, 590, 590, run=run, result_sha256="ab" * 32,  # type: ignore[arg-type]
            policy="fifo", outpoint=outpoint, address=ADDRESS,
        )
    ]  # fmt: skip
    return make_approved_finding(case, person("analyst"), amounts=amounts)


@pytest.fixture
def case() -> Case:
    make_asset()
    return make_case()


def test_only_the_way_to_the_cited_amount_leaves_the_house(case: Case) -> None:
    finding = found(case, traced(case))
    [run] = runs_behind([finding], {})
    assert (run.number, run.result_sha256, run.policy) == ("T1", "ab" * 32, "fifo")
    assert (run.seeds, run.ends, run.fees, run.cut) == ("900", "890", "10", "0")
    assert [(m.txid, m.side, m.address) for m in run.moves] == [
        (MIDDLE, "in", "seed"), (MIDDLE, "out", "middle"),
        (LAST, "in", "middle"), (LAST, "out", ADDRESS),
    ]  # fmt: skip
    assert STRANGER not in str(run)
    assert json.loads(run.parameters)["stops"]["count"] == 2


def test_a_run_backwards_is_walked_from_its_sources(case: Case) -> None:
    run = traced(case, direction="backward")
    [told] = runs_behind([found(case, run, f"{MIDDLE}:0")], {})
    assert [(m.txid, m.side) for m in told.moves] == [(LAST, "in"), (LAST, "out")]


def test_amounts_that_are_left_out_cite_no_run(case: Case) -> None:
    finding = found(case, traced(case))
    assert runs_behind([finding], {f"{finding.reference}.amounts": "method"}) == []


def test_a_run_whose_result_is_gone_or_keeps_no_books_is_left_out(case: Case) -> None:
    assert runs_behind([found(case, uuid4())], {}) == []


def test_tags_leave_with_their_licence_and_not_without_one(case: Case) -> None:
    wallet = Wallet(pk=1, case=case, ledger=LEDGER, address=ADDRESS)
    for number, licence in enumerate(("CC0-1.0", "")):
        pack = TagPack.objects.create(
            name=f"pack{number}", licence=licence, sha256=f"{number}" * 64, num_tags=1,
            file_name="p.yaml",
        )  # fmt: skip
        AttributionTag.objects.create(
            pack=pack, number=1, chain=BTC.partition("/")[0], address=ADDRESS, family="btc",
            payload_hex="00", label=f"Owner {number}", confidence="forensic", level=50,
            source="https://example.org",
        )  # fmt: skip
    [tag] = tags_behind({wallet: "W1"}, {})
    assert (tag.wallet, tag.label, tag.licence, tag.pack) == ("W1", "Owner 0", "CC0-1.0", "pack0")
    assert tags_behind({wallet: "W1"}, {f"{ADDRESS}.label": "method"}) == []


def test_a_release_says_which_tag_came_or_went_since(case: Case) -> None:
    wallet = DossierWallet("W1", LEDGER, ADDRESS, "Other", "")
    tag = DossierTag("W1", ADDRESS, "Eastmere", "", "", 50, "", "", "", "CC0-1.0", "")
    dossier = replace(DOSSIER, wallets=(wallet,), tags=(tag,), runs=(), findings=())
    referral = draft_referral(
        case, agency_id=make_agency().pk, kind="spontaneous", subject="S", summary="S",
        purpose="P", legal_gateway="", caveats="", tlp="AMBER", handling_code="H1",
        findings=[found(case, traced(case))], freezes=[], by=person("analyst"),
    )  # fmt: skip
    [gone] = release_drift(referral, dossier)
    assert (gone.number, gone.kind, gone.label) == ("W1", "tag_gone", "Eastmere")


def test_a_dossier_with_its_sources_comes_back_as_it_was(case: Case) -> None:
    analyst = person("analyst")
    referral = draft_referral(
        case, agency_id=make_agency().pk, kind="spontaneous", subject="S", summary="S",
        purpose="P", legal_gateway="Art. 1", caveats="", tlp="AMBER", handling_code="H1",
        findings=[found(case, traced(case))], freezes=[], by=analyst,
    )  # fmt: skip
    dossier = build_dossier(referral)
    assert [run.number for run in dossier.runs] == ["T1"]
    assert from_json(to_json(dossier)) == dossier
    redact_referral(referral, redactions={}, by=analyst)
    lines = custody_of(referral)
    assert [(line.step, line.about, line.office) for line in lines] == [
        ("draft_finding", "F1", "analyst"),
        ("submit_finding", "F1", "analyst"),
        ("approve_finding", "F1", "supervisor"),
        ("draft_referral", "release", "analyst"),
        ("redact_referral", "release", "analyst"),
    ]


def test_a_custody_log_keeps_the_office_of_its_moment_and_marks_of_its_own(case: Case) -> None:
    user = make_user("analyst")
    analyst, finding = make_actor(user), found(case, traced(case))

    def refer() -> list[CustodyLine]:
        referral = draft_referral(
            case, agency_id=make_agency().pk, kind="spontaneous", subject="S", summary="S",
            purpose="P", legal_gateway="Art. 1", caveats="", tlp="AMBER", handling_code="H1",
            findings=[finding], freezes=[], by=analyst,
        )  # fmt: skip
        return custody_of(referral)

    first = refer()
    type(user).objects.filter(pk=user.pk).update(role="compliance")
    second = refer()
    for lines in (first, second):
        assert [line.office for line in lines] == ["analyst", "analyst", "supervisor", "analyst"]
    shared = {line.audit_mark for line in first} & {line.audit_mark for line in second}
    assert (shared, len({line.audit_mark for line in first})) == (set(), 4)
