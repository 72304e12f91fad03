"""`python -m fiu.reference_exchange --port 8089 --balances FILE`: loopback only."""

import argparse
import signal
import socket
import sys
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from fiu.environment import secret
from fiu.reference_exchange.app import FAULTS, Exchange
from fiu.reference_exchange.books import Books


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """No access log: paths name accounts."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        return


def main() -> None:
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
    bound = options.fd is not None
    server = Server(("127.0.0.1", options.port or 0), QuietHandler, bind_and_activate=not bound)
    if bound:
        server.socket.close()
        server.socket = socket.socket(fileno=options.fd)
        server.server_address = server.socket.getsockname()
        server.server_name, server.server_port = "localhost", server.server_address[1]
        server.setup_environ()
        server.server_activate()
    server.set_app(app)
    signal.signal(
        signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start()
    )
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
