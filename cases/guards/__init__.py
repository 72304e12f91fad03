"""Triggers that keep the rules even against raw SQL, on SQLite and PostgreSQL alike.

`manage.py install_guards` installs them after every `migrate`, as often as one likes: SQLite drops
the triggers of a table that a migration rebuilds. The system check fails while one is missing or
was altered. Under FIU_RLS=1 the same step installs the policies on rows (row_security.py).

Held here, besides the CHECK and UNIQUE constraints of the models:
    append-only      audit events, reads, approvals, receipts, custody, files of a release,
                     looks of people at themselves (but that a second person has seen them)
    unbroken chain   an event continues the one before it: number and hash
    state tables     objects begin in their first state; each step stands in cases/states.py
    frozen content   amounts and texts stay as submitted; a changed content needs a new hash
    second person    no decision by who asked, drafted or edited last
    evidence         an approved freeze cites an approved finding or a verified instrument per line
"""

from cases.guards.install import (
    check_guards,
    install_guards,
    install_policies,
    missing_guards,
    remove_guards,
)
from cases.guards.row_security import RowSecurityError, lift_row_security, missing_policies
from cases.guards.rules import GUARDS
from cases.guards.shapes import Guard

__all__ = [
    "GUARDS", "Guard", "RowSecurityError", "check_guards", "install_guards", "install_policies",
    "lift_row_security", "missing_guards", "missing_policies", "remove_guards",
]  # fmt: skip
