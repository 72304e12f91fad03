"""One byte shared by a worker and its pool: "give your run back, we are ending".

The worker's main process receives SIGTERM, the pool's processes do not. The byte is anonymous
shared memory made before the pool forks, so all of them see it.
"""

import mmap

_asked = mmap.mmap(-1, 1)


def ask_to_stop() -> None:
    """Every run of this worker yields at its next tick."""
    _asked[0:1] = b"\x01"


def stop_asked() -> bool:
    """Whether this worker is ending: then a run yields."""
    return _asked[0:1] == b"\x01"


def forget() -> None:
    """Only for a process that goes on after a stop, such as a test."""
    _asked[0:1] = b"\x00"
