"""What an error of the database or cache means to whoever runs a command: one sentence, or none."""

from django.db import DatabaseError, OperationalError, connection

# Classes of psycopg2 and redis, by name: a command on SQLite does without loading them.
_OF_REDIS = "redis.exceptions"
_UNDEFINED = ("UndefinedTable", "UndefinedColumn")
_SQLITE_UNDEFINED = ("no such table", "no such column", "has no column named")


def sentence_of(error: Exception) -> str | None:
    """What is missing and what to do; None where the error is a fault of the program."""
    return _of_database(error) if isinstance(error, DatabaseError) else _of_cache(error)


def _of_cache(error: Exception) -> str | None:
    kinds = {kind.__name__ for kind in type(error).__mro__ if kind.__module__ == _OF_REDIS}
    if "RedisError" not in kinds:
        return None
    why = str(error).strip().partition("\n")[0]
    if "AuthenticationError" in kinds:
        file = "FIU_REDIS_PASSWORD_FILE"
        return f"The cache of FIU_CACHE_URL refuses the password of {file}: {why}"
    can_be = "reached" if kinds & {"ConnectionError", "TimeoutError"} else "used"
    return f"The cache of FIU_CACHE_URL cannot be {can_be}: {why}"


def _of_database(error: DatabaseError) -> str | None:
    """A connection that was refused has no SQLSTATE, an error of a statement always has one."""
    cause = error.__cause__
    if type(cause).__name__ in _UNDEFINED or str(error).startswith(_SQLITE_UNDEFINED):
        command = "prepare_database" if connection.vendor == "postgresql" else "up"
        return f"The tables of this version are not there yet. Run: python manage.py {command}"
    has_code = getattr(cause, "pgcode", None) is not None
    if connection.vendor == "postgresql" and not has_code and isinstance(error, OperationalError):
        why = str(error).strip().partition("\n")[0]
        return f"The database of FIU_DATABASE_URL cannot be reached: {why}"
    return None
