from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0046_price_loader")]

    operations = [
        migrations.AddField(
            "finding",
            "exhibits",
            models.ManyToManyField(blank=True, related_name="findings", to="cases.evidence"),
        ),
    ]
