"""Blind mutations of seeds: `python -m tests.fuzz.blind PARSER SECONDS FOLDER`.

With 0 seconds it only writes the seeds, and what was found before, into the folder.
"""

import random
import resource
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import django

if __name__ == "__main__":
    django.setup()

from tests.fuzz.parsers import PARSERS, found

HANG_SECONDS = 2.0
MOST_MEGABYTES = 512
LONGEST = 16_384
INTERESTING = (b"\0", b"\xff" * 4, b"\x7f", b"-1", b"9" * 40, b"\n", b",", b'"', b"[", b"{", b"&a")


def mutations(seeds: tuple[bytes, ...], dice: random.Random) -> Iterator[bytes]:
    """Inputs without end: bytes changed, cut, doubled, spliced, and things that often hurt."""
    while True:
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.choice((1, 1, 2, 4, 8))):
            at = dice.randrange(len(data) + 1)
            to = min(len(data), at + dice.choice((1, 2, 4, 16, 64)))
            kind = dice.randrange(6)
            if kind == 0 and at < len(data):
                data[at] ^= 1 << dice.randrange(8)
            elif kind == 1 and at < len(data):
                data[at] = dice.randrange(256)
            elif kind == 2:
                del data[at:to]
            elif kind == 3:
                data[at:at] = data[at:to] * dice.choice((1, 2, 50))
            elif kind == 4:
                data[at:at] = dice.choice(INTERESTING)
            else:
                other = dice.choice(seeds)
                data[at:to] = other[dice.randrange(len(other) + 1) :][:64]
        yield bytes(data[:LONGEST])


def main() -> int:
    name, seconds, folder = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    parser = PARSERS[name]
    seeds = (*parser.seeds, *found(name))
    if not seconds:
        for seed in seeds:
            (folder / sha256(seed).hexdigest()[:16]).write_bytes(seed)
        return 0
    end_at, num = time.monotonic() + seconds, 0
    for data in mutations(seeds, random.Random(7)):
        if time.monotonic() > end_at:
            break
        num += 1
        fault = ""
        begun = time.monotonic()
        try:
            parser.try_on(data)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the finding
            fault = repr(error)
        if time.monotonic() - begun > HANG_SECONDS:
            fault = f"took {time.monotonic() - begun:.1f} s"
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 > MOST_MEGABYTES:
            fault = f"the process grew beyond {MOST_MEGABYTES} MB"
        if fault:
            (folder / f"blind-{sha256(data).hexdigest()[:16]}").write_bytes(data)
            print(f"{num} inputs; {fault}")
            return 1
    print(f"{num} inputs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
