"""Nodes that this installation may ask: their settings, the wire, and the dialects."""

from tracing.nodes.bitcoin import (
    BitcoinNode,
    NodeBlock,
    NodeTip,
    ReorganisedMeanwhile,
    bitcoin_node,
)
from tracing.nodes.configured import NodeSettings, configured_node, configured_nodes
from tracing.nodes.esplora import EsploraSource, EsploraTx
from tracing.nodes.evm import EvmBlock, EvmNode, TokenWords

__all__ = [
    "BitcoinNode",
    "EsploraSource",
    "EsploraTx",
    "EvmBlock",
    "EvmNode",
    "NodeBlock",
    "NodeSettings",
    "NodeTip",
    "ReorganisedMeanwhile",
    "TokenWords",
    "bitcoin_node",
    "configured_node",
    "configured_nodes",
]
