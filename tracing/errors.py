"""What can go wrong in tracing, in one tree.

    TracingError
    ├── AddressError        a text is no address we can use; the reason is a sentence
    ├── SeedError           a seed names nothing a trace can start from
    ├── TagFileError        a file of tags or sanctions is refused, or one row of it
    ├── ParametersError     a trace was asked for with a value it cannot take
    ├── ComputeError        a whole-ledger job cannot run: a package, a server, or what it said
    ├── BalanceError        a finished trace does not reconcile: never stored, never shown
    ├── NodeError           a node cannot be followed
    │   ├── NodeNotConfigured  no node of this name, or its settings are not usable
    │   ├── NodeUnreachable    it does not answer in time, after every try
    │   ├── NodeRefused        it says no: credentials, pruned blocks, an unknown method
    │   └── NodeAnswerWrong    what it says is cut off, garbage or contradicts itself
    └── LedgerError         the stored ledger cannot answer
        ├── LedgerMissing   no ledger of this name is loaded
        ├── LedgerBusy      another process is loading into it
        ├── LedgerGap       the ledger has no such segment or block
        ├── SnapshotGone    the pinned snapshot is no longer kept
        └── BlockFileError  a block file is cut off, corrupt or contradicts the ledger

Messages say what is wrong and what to do; they are shown to people.
"""

from __future__ import annotations


class TracingError(Exception):
    """Base of every error of this package."""


class AddressError(TracingError):
    """The text is no usable address; `str()` is the reason."""


class SeedError(TracingError):
    """A seed of a trace does not exist or is malformed; `str()` is the reason."""


class TagFileError(TracingError):
    """A file of labels, or one row of it, is not usable; `str()` is the reason."""


class ParametersError(TracingError):
    """A parameter of a trace is not usable; `str()` says which and what it must be."""


class ComputeError(TracingError):
    """A whole-ledger job cannot run here; `str()` says what is missing or what failed."""


class BalanceError(TracingError):
    """Seeds differ from ends + fees + cut: a fault of engine or ledger, so there is no result."""


class NodeError(TracingError):
    """A node cannot be followed; nothing of what it said last was stored.

    The message may hold the node's own words: what a terminal would obey is written out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(
            "".join(
                each if each.isprintable() else each.encode("unicode_escape").decode()
                for each in message
            )
        )


class NodeNotConfigured(NodeError):
    """There is no node of this name, or a setting of it is not usable."""


class NodeUnreachable(NodeError):
    """No whole answer in time, after every try."""


class NodeRefused(NodeError):
    """The node says no, and would say it again."""


class NodeAnswerWrong(NodeError):
    """The answer is cut off, garbage, or contradicts what the node said before."""


class LedgerError(TracingError):
    """A stored ledger cannot answer or cannot be written."""


class LedgerMissing(LedgerError):
    """No ledger of this name has been loaded."""


class LedgerBusy(LedgerError):
    """Another process holds the loading lock of this ledger."""


class LedgerGap(LedgerError):
    """The ledger has no block, segment or transaction where one was asked for."""


class SnapshotGone(LedgerError):
    """The pinned snapshot (epoch) is no longer kept."""


class BlockFileError(LedgerError):
    """A block or spent-coins file is refused whole.

    Attributes:
        offset: byte in the file's decoded content where the fault was found.
    """

    def __init__(self, reason: str, offset: int, source: str = "") -> None:
        self.reason = reason
        self.offset = offset
        self.source = source
        name = f"{source}: " if source else ""
        super().__init__(f"{name}refused at byte {offset}: {reason}; nothing of it was kept")

    def named(self, source: str) -> BlockFileError:
        """The same error with the file's name in its message."""
        return BlockFileError(self.reason, self.offset, source)
