"""BaseUnitsField: on-chain amounts as exact integers of up to 78 digits on every database."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import Col
from django.utils.translation import gettext_lazy as _

MAX_BASE_UNITS = 10**78 - 1
_DIGITS = re.compile(r"[0-9]{1,78}")


def parse_base_units(text: str) -> int:
    """Parse an amount in base units: 1 to 78 ASCII digits and nothing else.

    `int()` alone also takes `1_1`, Arabic and full-width digits. Raises ValueError.
    """
    if not _DIGITS.fullmatch(text):
        raise ValueError(f"not an amount in base units: {text[:80]!r}")
    return int(text)


class BaseUnitsField(models.Field):  # type: ignore[type-arg]  # stubs want both value types
    """An integer from 0 to 10^78-1: numeric(78,0) on PostgreSQL, padded digits on SQLite.

    Python sees `int`. Sums are made in Python: an aggregate or arithmetic in SQL raises, because
    SQLite would answer with a float.
    """

    description = _("Amount in base units")

    def db_type(self, connection: Any) -> str:
        return "numeric(78, 0)" if connection.vendor == "postgresql" else "varchar(78)"

    def db_check(self, connection: Any) -> str:
        column = connection.ops.quote_name(self.column)
        if connection.vendor == "postgresql":
            return f"{column} >= 0 AND {column} < 1e78"
        return f"length({column}) = 78 AND {column} NOT GLOB '*[^0-9]*'"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        if value is None:
            return None
        if not isinstance(expression, Col):
            raise TypeError("amounts are summed in Python, never in SQL")
        return int(value)

    def to_python(self, value: Any) -> int | None:
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        try:
            return parse_base_units(str(value))
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            value = self.to_python(value)
        if not 0 <= value <= MAX_BASE_UNITS:
            raise ValueError(f"{self.name} is outside 0 to 10^78-1")
        return f"{value:078d}"
