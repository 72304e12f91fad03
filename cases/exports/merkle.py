"""The Merkle root over the files of a release. Source: RFC 6962, section 2.1, SHA-256."""

import hashlib
from collections.abc import Sequence

LEAF, NODE = b"\x00", b"\x01"


def root_of(leaves: Sequence[bytes]) -> bytes:
    """32 bytes; of no leaves the hash of nothing. O(leaves), recursion as deep as log leaves."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(LEAF + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(NODE + root_of(leaves[:half]) + root_of(leaves[half:])).digest()
