"""The demo world, operation SANDGLASS: a made-up market, its bank, and our customers.

The generator only writes files which the ordinary imports read: regtest block files, the exchange's
rows, tag packs, an agency's list. The truth goes to `oracle.json`, which only tests read.
"""
