"""The installation: settings, people, dashboard and the one command that runs everything."""

__version__ = "0.1.0"  # as in pyproject.toml
