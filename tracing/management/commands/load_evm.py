"""Load recorded replies of an Ethereum-like node into a ledger."""

from tracing.ledgers.accounts import load_evm
from tracing.management.account_loading import AccountLoadCommand


class Command(AccountLoadCommand):
    help = (
        "Load recorded JSON-RPC replies (blocks, receipts, logs, traces; JSON or JSON lines, also "
        "gzipped). Every row is accepted or reported; loading twice changes nothing; a damaged "
        "file is refused whole."
    )
    ledgers = "ethereum, ethereum-dev (a local node), bsc or polygon"
    load = staticmethod(load_evm)
