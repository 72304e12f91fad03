from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0053_continuing_clock"),
    ]

    operations = [
        migrations.RemoveIndex("alert", "alert_queue"),
        migrations.AddIndex(
            "alert",
            models.Index(
                fields=["state", "-rank", "-score", "raised_at", "id"], name="alert_queue"
            ),
        ),
    ]
