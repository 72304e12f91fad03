"""The installation: settings, people, dashboard and the one command that runs everything."""

from fiu.celery import app as celery_app

__all__ = ["celery_app"]
__version__ = "0.1.0"  # as in pyproject.toml
