"""What raw SQL could do on PostgreSQL alone, and what its numbers would let through."""

# ruff: noqa: S608  # the SQL of an intruder, made of constants

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from cases.models import AuditEvent
from cases.models.fields import MAX_BASE_UNITS, BaseUnitsField
from cases.services.locks import lock_case
from fiu.models import User
from tests.casework import make_case, person

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db, pytest.mark.owner]


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET seq = 7", "TRUNCATE {}"])
def test_a_session_that_says_it_replicates_passes_no_guard(statement: str) -> None:
    make_case(person("analyst"))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            cursor.execute(statement.format(AuditEvent._meta.db_table))


@pytest.mark.parametrize("amount", ["'NaN'", "'Infinity'", "-1", "1e78"])
def test_a_column_of_amounts_holds_base_units_only(amount: str) -> None:
    field = BaseUnitsField()
    field.set_attributes_from_name("amount")
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE amounts (amount {field.db_type(connection)}"
            f" CHECK ({field.db_check(connection)}))"
        )
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute(f"INSERT INTO amounts VALUES ({amount})")
        cursor.execute("INSERT INTO amounts VALUES (%s)", [field.get_prep_value(MAX_BASE_UNITS)])
        cursor.execute("SELECT amount FROM amounts")
        assert [int(row[0]) for row in cursor.fetchall()] == [MAX_BASE_UNITS]


def test_the_lock_of_a_case_waits_for_no_key_of_it() -> None:
    case = make_case(person("analyst"))
    with CaptureQueriesContext(connection) as queries:
        lock_case(case.pk)
    assert "FOR NO KEY UPDATE" in queries[0]["sql"]


def test_text_sorts_by_code_points_as_on_sqlite() -> None:
    names = ["Ábel", "zoe", "Zoe", "ana", "_x", "Émile"]
    for name in names:
        User.objects.create(username=name, role="analyst")
    found = User.objects.order_by("username").values_list("username", flat=True)
    assert list(found) == sorted(names)
