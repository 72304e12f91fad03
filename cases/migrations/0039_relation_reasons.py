from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cases", "0038_risk_models")]

    operations = [
        migrations.AddField("caserelation", "ended_reason", models.TextField(default="")),
        migrations.AddField("caserelation", "merge_reason", models.TextField(default="")),
    ]
