"""The newest transactions of an address, read from the end of its coins alone."""

from pathlib import Path

import numpy as np
import pytest

from tests.bench.generator import generate
from tests.bench.stored import LEDGER, store_generated
from tracing.ledger_views import _newest_transactions, _num_transactions
from tracing.ledgers import clusters as kept
from tracing.ledgers import open_ledger
from tracing.ledgers.clusters import stored_clusters, transactions_of


def test_busy_addresses_are_counted_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "BUSY", 30)
    store_generated(generate(1_500), tmp_path)
    ledger = open_ledger(tmp_path, LEDGER)
    clusters = stored_clusters(ledger, ())
    busy = {number: clusters.num_tx(number) for number in range(ledger.num_addresses)}
    assert {number for number, num in busy.items() if num is not None} == {
        number
        for number in range(ledger.num_addresses)
        if len(ledger.outputs_of_address(number)) + len(ledger.inputs_of_address(number)) > 30
    }
    assert all(num in (None, len(transactions_of(ledger, number))) for number, num in busy.items())
    assert any(num is not None for num in busy.values())
    some = [0, 5, ledger.num_addresses - 1]
    for number in some:
        members = clusters.members(number)
        whole = (ledger.address_received, ledger.address_sent, ledger.address_unspent)
        assert clusters.sums(number) == tuple(int(each[members].sum()) for each in whole)
        assert clusters.size(number) == len(members)


def test_pages_of_a_busy_address_are_those_of_all_its_transactions() -> None:
    ledger = generate(1_500)
    counts = np.bincount(ledger.out_address, minlength=ledger.num_addresses)
    for address in [*np.argsort(-counts)[:4].tolist(), 0, ledger.num_addresses - 1]:
        outs, ins = ledger.outputs_of_address(address), ledger.inputs_of_address(address)
        whole = np.union1d(ledger.out_tx[outs], ledger.in_tx[ins])[::-1].tolist()
        for counted in (None, len(whole)):
            told = _num_transactions(ledger, address, counted)  # type: ignore[arg-type]
            assert told == (len(whole), whole[-1], whole[0])
        for limit in (1, 3, 50):
            pages: list[int] = []
            before = ledger.num_tx
            while page := _newest_transactions(ledger, address, before, limit).tolist():  # type: ignore[arg-type]
                pages += page
                before = page[-1]
            assert pages == whole
