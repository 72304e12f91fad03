"""Load recorded replies of TRON's HTTP API into a ledger."""

from tracing.ledgers.accounts import load_tron
from tracing.management.account_loading import AccountLoadCommand


class Command(AccountLoadCommand):
    help = (
        "Load recorded replies of TRON's HTTP API (blocks, transaction infos; JSON or JSON lines, "
        "also gzipped). Every row is accepted or reported; loading twice changes nothing; a "
        "damaged file is refused whole."
    )
    ledgers = "tron"
    load = staticmethod(load_tron)
