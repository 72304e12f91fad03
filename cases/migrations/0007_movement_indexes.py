"""Indexes of movements that nobody asks: each was written for each movement.

By name, since a changed field would make SQLite copy the whole table once for each.
"""

import django.db.models.deletion
from django.db import migrations, models

INDEXES = {
    "account_id": "cases_exchangerecord_account_id_ac51b73e",
    "asset_id": "cases_exchangerecord_asset_id_954518e2",
    "asset_out_id": "cases_exchangerecord_asset_out_id_8c550575",
    "fee_asset_id": "cases_exchangerecord_fee_asset_id_3c264eac",
}


def asset(**options: bool) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+",
        to="cases.asset", **options,
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("cases", "0006_house_tag")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    # PostgreSQL has a second one for a text that is looked for by its beginning.
                    [f'DROP INDEX IF EXISTS "{name}"', f'DROP INDEX IF EXISTS "{name}_like"'],
                    [f'CREATE INDEX "{name}" ON "cases_exchangerecord" ("{column}")'],
                )
                for column, name in INDEXES.items()
            ],
            state_operations=[
                migrations.AlterField(
                    "exchangerecord",
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT,
                        related_name="records", to="cases.exchangeaccount",
                    ),
                ),
                migrations.AlterField("exchangerecord", "asset", asset()),
                migrations.AlterField("exchangerecord", "asset_out", asset(null=True)),
                migrations.AlterField("exchangerecord", "fee_asset", asset(null=True)),
            ],
        )
    ]  # fmt: skip
