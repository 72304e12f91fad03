from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0056_asked_alerts"),
    ]

    operations = [
        migrations.AddIndex(
            "exchangerecord",
            models.Index(
                fields=["address"],
                name="deposit_address",
                condition=models.Q(kind="deposit"),
            ),
        ),
    ]
