"""Where a web server under `manage.py up` waits until the tables and the static files stand."""

import os
import sys

GATE = "TRACEHOLD_GATE"  # the descriptor of a pipe: a byte lets it answer, its end tells it to end


def wait_at_gate() -> None:
    """Return at once where nobody set a gate; raise SystemExit where the start failed."""
    descriptor = os.environ.pop(GATE, None)
    if descriptor is None:
        return
    with os.fdopen(int(descriptor), "rb") as pipe:
        if not pipe.read(1):
            sys.exit("The start ended before the tables stood.")
