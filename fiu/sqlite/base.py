"""SQLite as Django has it, without the CHECK that an untrusting connection refuses (C5).

Under `PRAGMA trusted_schema=OFF` SQLite rejects `JSON_VALID()` in a CHECK, which Django puts on
every JSONField. The field itself writes valid JSON only.
"""

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    data_type_check_constraints = {
        kind: check
        for kind, check in base.DatabaseWrapper.data_type_check_constraints.items()
        if kind != "JSONField"
    }
