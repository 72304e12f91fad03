"""The demo world, operation SANDGLASS: a made-up market, its bank, and our customers.

Everything here only writes files which the ordinary imports read: regtest block files, the exchange's
rows, tag packs, an agency's lists. The truth behind them goes to `oracle.json`, which only tests read.
"""
