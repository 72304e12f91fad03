"""Many rows into one table: new ones written, known ones brought up to date, in few statements.

The ORM's own bulk writing spends most of an import on building expressions. Values are prepared by
the fields themselves, and names come from the model, never from input.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, models
from django.db.models import Field

MAXIMUM_PARAMETERS = 30_000  # SQLite takes 32,766 in a statement, PostgreSQL 65,535

Row = dict[str, Any]


def upsert(
    model: type[models.Model], rows: Sequence[Row], key: Sequence[str], renewed: Sequence[str]
) -> None:
    """Write rows of field attribute to value; where `key` is known, only `renewed` changes.

    Each key at most once in `rows`; all rows name the same attributes. An empty `renewed` leaves
    known rows alone. Call it in a transaction.
    """
    if not rows:
        return
    names = list(rows[0])
    fields = {field.attname: field for field in model._meta.fields}
    prepare = [_preparer(fields[name]) for name in names]
    quote = connection.ops.quote_name
    quoted = {name: quote(field.column or name) for name, field in fields.items()}
    columns = ", ".join(quoted[name] for name in names)
    conflict = ", ".join(quoted[name] for name in key)
    changes = ", ".join(f"{quoted[name]} = excluded.{quoted[name]}" for name in renewed)
    one = f"({', '.join(['%s'] * len(names))})"
    size = MAXIMUM_PARAMETERS // len(names)
    with connection.cursor() as cursor:
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            cursor.execute(
                f"INSERT INTO {quote(model._meta.db_table)} ({columns})"  # noqa: S608
                f" VALUES {', '.join([one] * len(part))} ON CONFLICT ({conflict}) "
                + (f"DO UPDATE SET {changes}" if changes else "DO NOTHING"),
                [
                    value if make is None else make(value)
                    for row in part
                    for make, value in zip(prepare, row.values(), strict=True)
                ],
            )


def _preparer(field: "Field[Any, Any]") -> Callable[[Any], Any] | None:
    """How a value of this field enters SQL; None where it enters as it is."""
    if isinstance(field, models.CharField | models.IntegerField | models.ForeignKey):
        return None
    if isinstance(field, models.DateTimeField):
        adapt: Callable[[Any], Any] = connection.ops.adapt_datetimefield_value
        return adapt
    return lambda value: field.get_db_prep_save(value, connection)
