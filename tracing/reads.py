"""The door for reading: ledgers, addresses and clusters, and runs.

Casework enters tracing here and in jobs.py.
"""

from uuid import UUID

from tracing.account_views import (
    address_history,
    address_summaries,
    address_summary,
    asset_name,
    asset_unit,
    cluster,
    estimate,
    is_account_ledger,
    native_unit,
    outputs_of,
    place_address,
    why_together,
)
from tracing.cluster_views import (
    ClusterLook,
    KeptApart,
    ProbableChange,
    WithheldMerge,
    cluster_look,
    joins_of,
    kept_apart,
)
from tracing.compute import Place, customer_jobs
from tracing.contact_views import MetKind, MovementContacts, movement_contacts
from tracing.drift import Drift, drifts
from tracing.engine.booklines import OUTSIDE, AssetSheet, BookTrace, Held, Hop, Line, Seed
from tracing.engine.books import POLICIES
from tracing.engine.booksback import held_ref
from tracing.engine.bookseal import BookQuestion, book_differences, sealed_answer, trace_of
from tracing.engine.bookseal import answer as ask_books
from tracing.engine.difference import Change
from tracing.engine.ends import Place as PaidPlace
from tracing.engine.payers import PlatformPayment, PlatformPayout
from tracing.engine.seal import code_hash, is_intact
from tracing.errors import AddressError, LedgerError, LedgerMissing, SeedError, TracingError
from tracing.exposure_values import ExposureRow, ExposureSide, ExposureView
from tracing.exposure_views import movements_exposure, wallet_exposure, wallets_exposure
from tracing.ledger_views import (
    AddressSummary,
    AssetTotals,
    AssetUnit,
    ClusterView,
    Estimate,
    HistoryRow,
    LedgerInfo,
    Merge,
    ParsedAddress,
    PastedAddress,
    Together,
    ledgers,
    parse_address,
    parse_paste,
    resolve_ledger,
)
from tracing.ledgers.copies import LastingFiles, lasting_files, open_all
from tracing.lookup_views import LookupView, outside_lookups
from tracing.node_views import NodeView, followed_nodes
from tracing.pattern_views import AddressPatterns, AssetPatterns, address_patterns
from tracing.peers import require_peer
from tracing.platform_views import Platform, platform_payments
from tracing.run_views import RunView, live_runs, partial, result, run_view, runs_by_id, runs_of
from tracing.staleness import Staleness, stale_runs
from tracing.tag_index import TagView
from tracing.tag_sets import TagSetView, keep_tag_set, newest_tag_sets
from tracing.tag_views import (
    AddressTags,
    PackView,
    Side,
    direct_tags,
    own_tags,
    sides_of,
    tag_levels,
    tag_packs,
    tagged_services,
    tags_of,
)
from tracing.wallet_views import WalletLook, named_wallets, unnamed_wallets, wallet_look


def verify_result(public_id: UUID) -> bool:
    """Whether a stored result still has the hash in its seal: 1 query. False if there is none."""
    stored = result(public_id)
    return stored is not None and is_intact(stored)


__all__ = [
    "OUTSIDE",
    "POLICIES",
    "AddressError",
    "AddressPatterns",
    "AddressSummary",
    "AddressTags",
    "AssetPatterns",
    "AssetSheet",
    "AssetTotals",
    "AssetUnit",
    "BookQuestion",
    "BookTrace",
    "Change",
    "ClusterLook",
    "ClusterView",
    "Drift",
    "Estimate",
    "ExposureRow",
    "ExposureSide",
    "ExposureView",
    "Held",
    "HistoryRow",
    "Hop",
    "KeptApart",
    "LastingFiles",
    "LedgerError",
    "LedgerInfo",
    "LedgerMissing",
    "Line",
    "LookupView",
    "Merge",
    "MetKind",
    "MovementContacts",
    "NodeView",
    "PackView",
    "PaidPlace",
    "ParsedAddress",
    "PastedAddress",
    "Place",
    "Platform",
    "PlatformPayment",
    "PlatformPayout",
    "ProbableChange",
    "RunView",
    "Seed",
    "SeedError",
    "Side",
    "Staleness",
    "TagSetView",
    "TagView",
    "Together",
    "TracingError",
    "WalletLook",
    "WithheldMerge",
    "address_history",
    "address_patterns",
    "address_summaries",
    "address_summary",
    "ask_books",
    "asset_name",
    "asset_unit",
    "book_differences",
    "cluster",
    "cluster_look",
    "code_hash",
    "customer_jobs",
    "direct_tags",
    "drifts",
    "estimate",
    "followed_nodes",
    "held_ref",
    "is_account_ledger",
    "is_intact",
    "joins_of",
    "keep_tag_set",
    "kept_apart",
    "lasting_files",
    "ledgers",
    "live_runs",
    "movement_contacts",
    "movements_exposure",
    "named_wallets",
    "native_unit",
    "newest_tag_sets",
    "open_all",
    "outputs_of",
    "outside_lookups",
    "own_tags",
    "parse_address",
    "parse_paste",
    "partial",
    "place_address",
    "platform_payments",
    "require_peer",
    "resolve_ledger",
    "result",
    "run_view",
    "runs_by_id",
    "runs_of",
    "sealed_answer",
    "sides_of",
    "stale_runs",
    "tag_levels",
    "tag_packs",
    "tagged_services",
    "tags_of",
    "trace_of",
    "unnamed_wallets",
    "verify_result",
    "wallet_exposure",
    "wallet_look",
    "wallets_exposure",
    "why_together",
]
