"""What a database error means to whoever runs a command: one sentence, or nothing."""

from django.db import DatabaseError, OperationalError, connection

# Classes of psycopg2, by name: a command on SQLite does without loading it.
_UNDEFINED = ("UndefinedTable", "UndefinedColumn")
_SQLITE_UNDEFINED = ("no such table", "no such column", "has no column named")


def sentence_of(error: DatabaseError) -> str | None:
    """What is missing and what to do; None where the error is a fault of the program.

    A connection that was refused has no SQLSTATE, an error of a statement always has one.
    """
    cause = error.__cause__
    if type(cause).__name__ in _UNDEFINED or str(error).startswith(_SQLITE_UNDEFINED):
        return "The tables of this version are not there yet. Run: python manage.py migrate"
    has_code = getattr(cause, "pgcode", None) is not None
    if connection.vendor == "postgresql" and not has_code and isinstance(error, OperationalError):
        why = str(error).strip().partition("\n")[0]
        return f"The database of FIU_DATABASE_URL cannot be reached: {why}"
    return None
