"""The loopback server around the application, on a free port or on a socket already bound."""

import socket
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from fiu.reference_exchange.app import Exchange


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that went away is no news."""


class QuietHandler(WSGIRequestHandler):
    """No access log: paths name accounts."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base's name
        return


def make_server(app: Exchange, *, port: int = 0, fd: int | None = None) -> Server:
    """A server that listens; `serve_forever` answers until `shutdown`."""
    server = Server(("127.0.0.1", port), QuietHandler, bind_and_activate=fd is None)
    if fd is not None:
        server.socket.close()
        server.socket = socket.socket(fileno=fd)
        server.server_address = server.socket.getsockname()
        server.server_name, server.server_port = "localhost", server.server_address[1]
        server.setup_environ()
        server.server_activate()
    server.set_app(app)
    return server
