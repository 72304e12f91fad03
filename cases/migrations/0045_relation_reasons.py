from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0044_recorded_requests")]

    operations = [
        migrations.AddField("caserelation", "ended_reason", models.TextField(default="")),
        migrations.AddField("caserelation", "merge_reason", models.TextField(default="")),
    ]
