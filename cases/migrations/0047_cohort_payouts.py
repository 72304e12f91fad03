from django.db import migrations, models

import cases.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0046_price_loader"),
    ]

    operations = [
        migrations.AddField(
            "cohortmember",
            "num_payouts",
            models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            "cohortmember",
            "received",
            cases.models.fields.BaseUnitsField(default=0),
        ),
        migrations.AddField(
            "cohortpayment",
            "is_payout",
            models.BooleanField(default=False),
        ),
    ]
