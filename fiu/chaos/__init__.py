"""Faults on purpose, in a scratch installation: `manage.py chaos` (docs/operate/trust.md)."""
