from django.db import migrations, models

ACTS = [
    ("provisional_hold", "Provisional holds: until they lapse"),
    ("freeze", "Freezes: at most until they end"),
    ("triage", "Alerts: from the first firing until they are decided"),
    ("report", "Suspicion reports: from the first alert until filed"),
    ("continuing", "Suspicion that goes on: from one report until the next is filed"),
    ("answer", "Requests of agencies: until they are answered"),
    ("preserve", "Data preserved for an agency: until somebody is asked"),
    ("finding_ended", "What rests on an ended finding: until it is put right"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0052_report_disposal"),
    ]

    operations = [
        migrations.AlterField(
            "clockrule", "act", models.CharField(choices=ACTS, max_length=20)
        )
    ]
