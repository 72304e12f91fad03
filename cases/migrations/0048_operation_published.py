from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0047_cohort_payouts"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='operation',
            name='operation_state_is_known',
        ),
        migrations.AddConstraint(
            model_name='operation',
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ('state__in', ['planned', 'active', 'action_day', 'closed', 'published'])
                ),
                name='operation_state_is_known',
            ),
        ),
    ]
