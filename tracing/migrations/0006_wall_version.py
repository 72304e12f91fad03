import uuid

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def stamp_walls(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Walls that stand already have their first stamp."""
    ledgers = apps.get_model("tracing", "Boundary").objects.order_by()
    version = apps.get_model("tracing", "WallVersion")
    version.objects.bulk_create(
        version(ledger=ledger, stamp=uuid.uuid4().hex)
        for ledger in ledgers.values_list("ledger", flat=True).distinct()
    )


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0005_tag_set"),
    ]

    operations = [
        migrations.CreateModel(
            name="WallVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ledger", models.CharField(max_length=32, unique=True)),
                ("stamp", models.CharField(max_length=32)),
                ("earlier", models.JSONField(default=list)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
            ],
        ),
        migrations.RunPython(stamp_walls, migrations.RunPython.noop, elidable=True),
    ]
