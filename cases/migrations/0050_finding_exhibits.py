from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0049_inbox_indexes"),
    ]

    operations = [
        migrations.AddField(
            "finding",
            "exhibits",
            models.ManyToManyField(blank=True, related_name="findings", to="cases.evidence"),
        ),
    ]
