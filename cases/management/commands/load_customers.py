"""Import a folder of the exchange's customers with their records; the same as `load_exchange`."""

from cases.management.commands.load_exchange import Command

__all__ = ["Command"]
