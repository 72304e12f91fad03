import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0057_deposit_address"),
    ]

    operations = [
        migrations.AddField(
            "referral",
            "answers",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="referrals",
                to="cases.informationrequest",
            ),
        ),
    ]
