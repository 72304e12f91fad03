"""Nodes that this installation may ask: their settings, the wire, and the dialects."""

from tracing.nodes.bitcoin import (
    BitcoinNode,
    NodeBlock,
    NodeTip,
    ReorganisedMeanwhile,
    bitcoin_node,
)
from tracing.nodes.configured import NodeSettings, configured_node, configured_nodes

__all__ = [
    "BitcoinNode",
    "NodeBlock",
    "NodeSettings",
    "NodeTip",
    "ReorganisedMeanwhile",
    "bitcoin_node",
    "configured_node",
    "configured_nodes",
]
