from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0059_separation"),
    ]

    operations = [
        migrations.AddField(
            "trainedmodel", "subject", models.CharField(default="customer", max_length=8)
        ),
        migrations.RemoveConstraint("trainedmodel", "one_champion_model"),
        migrations.RemoveConstraint("trainedmodel", "one_challenger_model"),
        migrations.AddConstraint(
            "trainedmodel",
            models.UniqueConstraint(
                fields=["subject", "state"],
                condition=models.Q(state="in_force"),
                name="one_champion_model",
            ),
        ),
        migrations.AddConstraint(
            "trainedmodel",
            models.UniqueConstraint(
                fields=["subject", "state"],
                condition=models.Q(state="proposed"),
                name="one_challenger_model",
            ),
        ),
        migrations.AddConstraint(
            "trainedmodel",
            models.CheckConstraint(
                condition=models.Q(subject__in=["customer", "wallet"]),
                name="trained_model_subject_is_known",
            ),
        ),
    ]
