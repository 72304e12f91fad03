from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0055_alert_walls"),
    ]

    operations = [
        migrations.AddIndex(
            "alert",
            models.Index(
                fields=["state"],
                name="alert_asked",
                condition=models.Q(proposed_by__isnull=False),
            ),
        ),
    ]
