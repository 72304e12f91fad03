"""`python -m fiu.reference_exchange --port 8089 --balances FILE`: loopback only."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from fiu.environment import secret
from fiu.reference_exchange.app import FAULTS, Exchange
from fiu.reference_exchange.books import Books
from fiu.reference_exchange.server import make_server


def main() -> None:
    """Read the options, listen, answer until told to end."""
    parser = argparse.ArgumentParser(prog="python -m fiu.reference_exchange")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--port", type=int, help="0 takes a free port and prints it")
    where.add_argument("--fd", type=int, help="a socket that is already bound")
    parser.add_argument("--file", type=Path, required=True, help="where the books are kept")
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--balances", type=Path, help="CSV: account, asset, base, at")
    parser.add_argument("--faults", default="", help=f"for tests, in turn: {', '.join(FAULTS)}")
    options = parser.parse_args()
    faults = [name for name in options.faults.split(",") if name]
    if not set(faults) <= set(FAULTS):
        sys.exit(f"Faults are {', '.join(FAULTS)}.")
    app = Exchange(
        Books(options.file), secret(options.token_file), balances=options.balances, faults=faults
    )
    server = make_server(app, port=options.port or 0, fd=options.fd)
    signal.signal(
        signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start()
    )
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
