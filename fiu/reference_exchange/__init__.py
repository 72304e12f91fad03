"""A small exchange core for trials, the demo and tests: balances, holds and releases over HTTP.

It speaks the protocol of docs/operate/exchange_gateway.md and knows nothing of cases: a hold has an
account, an asset, an amount and an opaque reference. It keeps its own file and no Django.
"""
