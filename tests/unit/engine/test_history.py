"""What the page of an address reads: the last coins of a busy one, counts kept beforehand."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.bench.generator import generate
from tests.bench.stored import LEDGER, store_generated
from tracing.ledger_views import _history_rows, _newest_transactions, _num_transactions
from tracing.ledgers import StoredLedger, maps, open_ledger
from tracing.ledgers import clusters as kept
from tracing.ledgers.clusters import stored_clusters, transactions_of


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredLedger]:
    """Of this size no array is large and no address busy: here they count as such."""
    home = tmp_path_factory.mktemp("history")
    store_generated(generate(1_500), home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "BUSY", 30)
        patch.setattr(maps, "LARGE", 0)
        opened = open_ledger(home, LEDGER)
        opened.maps.scatter()
        yield opened


def test_busy_addresses_are_counted_beforehand(ledger: StoredLedger) -> None:
    clusters = stored_clusters(ledger, ())
    busy = {number: clusters.num_tx(number) for number in range(ledger.num_addresses)}
    assert {number for number, num in busy.items() if num is not None} == {
        number
        for number in range(ledger.num_addresses)
        if len(ledger.outputs_of_address(number)) + len(ledger.inputs_of_address(number)) > 30
    }
    assert any(num is not None for num in busy.values())
    assert all(num in (None, len(transactions_of(ledger, number))) for number, num in busy.items())
    whole = (ledger.address_received, ledger.address_sent, ledger.address_unspent)
    for number in (0, 5, ledger.num_addresses - 1):
        members = clusters.members(number)
        assert clusters.sums(number) == tuple(int(each[members].sum()) for each in whole)
        assert clusters.size(number) == len(members)


def test_pages_of_a_busy_address_are_those_of_all_its_transactions(ledger: StoredLedger) -> None:
    counts = np.bincount(ledger.out_address, minlength=ledger.num_addresses)
    for address in [*np.argsort(-counts)[:4].tolist(), 0, ledger.num_addresses - 1]:
        whole = transactions_of(ledger, address)[::-1].tolist()
        for counted in (None, len(whole)):
            told = _num_transactions(ledger, address, counted)
            assert told == (len(whole), whole[-1], whole[0])
        for limit in (1, 3, 50):
            pages: list[int] = []
            before = ledger.num_tx
            while page := _newest_transactions(ledger, address, before, limit).tolist():
                pages += page
                before = page[-1]
            assert pages == whole
        rows = _history_rows(ledger, address, whole)
        assert sum(row.received for row in rows) == int(ledger.address_received[address])
        assert sum(row.sent for row in rows) == int(ledger.address_sent[address])
        assert [row.txid for row in rows] == [ledger.txid(tx) for tx in whole]
