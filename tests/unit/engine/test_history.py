"""The newest transactions of an address, read from the end of its coins alone."""

import numpy as np

from tests.bench.generator import generate
from tracing.ledger_views import _newest_transactions, _num_transactions


def test_pages_of_a_busy_address_are_those_of_all_its_transactions() -> None:
    ledger = generate(1_500)
    counts = np.bincount(ledger.out_address, minlength=ledger.num_addresses)
    for address in [*np.argsort(-counts)[:4].tolist(), 0, ledger.num_addresses - 1]:
        outs, ins = ledger.outputs_of_address(address), ledger.inputs_of_address(address)
        whole = np.union1d(ledger.out_tx[outs], ledger.in_tx[ins])[::-1].tolist()
        told = _num_transactions(ledger, address)  # type: ignore[arg-type]
        assert told == (len(whole), whole[-1], whole[0])
        for limit in (1, 3, 50):
            pages: list[int] = []
            before = ledger.num_tx
            while page := _newest_transactions(ledger, address, before, limit).tolist():  # type: ignore[arg-type]
                pages += page
                before = page[-1]
            assert pages == whole
