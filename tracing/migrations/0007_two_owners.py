from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tracing", "0006_wall_version"),
    ]

    operations = [
        migrations.CreateModel(
            name="TwoOwners",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("chain", models.CharField(max_length=60)),
                ("first", models.CharField(max_length=120)),
                ("second", models.CharField(max_length=120)),
                ("ruling", models.UUIDField(unique=True)),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "verbose_name_plural": "two owners",
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_active", True)),
                        fields=["chain"],
                        name="two_owners_of_chain",
                    )
                ],
            },
        ),
    ]
