"""Health checks of the containers: `python -m fiu.probe web | dispatcher`.

No Django here: a check every half minute must cost next to nothing. Exit 0 means healthy.
"""

import http.client
import os
import sys
import time
from pathlib import Path

PORT = 8000
SECONDS_OF_A_ROUND = 60.0  # the dispatcher looks every few seconds


def web(port: int = PORT) -> bool:
    """The web server answers, and through it the database."""
    host = os.environ.get("FIU_ALLOWED_HOSTS", "localhost").split(",")[0]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def dispatcher() -> bool:
    """The dispatcher ended a round not long ago; it touches this file after each."""
    try:
        last = (Path(os.environ["FIU_HOME"]) / "dispatcher.round").stat().st_mtime
    except OSError:
        return False
    return time.time() - last < SECONDS_OF_A_ROUND


def main(arguments: list[str]) -> int:
    healthy = dispatcher() if arguments[0] == "dispatcher" else web(*map(int, arguments[1:]))
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
