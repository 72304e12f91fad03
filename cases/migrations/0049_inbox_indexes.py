from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0048_operation_published"),
    ]

    operations = [
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['owner_by', 'due_at'], name='case_owned_due'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('state', 'on_hold')), fields=['owner_by', 'resume_on'], name='case_resting'),
        ),
        migrations.AddIndex(
            model_name='caserun',
            index=models.Index(condition=models.Q(('collected_at', None)), fields=['requested_by'], name='case_run_uncollected'),
        ),
        migrations.AddIndex(
            model_name='caserun',
            index=models.Index(condition=models.Q(('drifted_at__isnull', False)), fields=['drifted_at'], name='case_run_drifted'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('state', 'draft')), fields=['drafted_by'], name='finding_draft'),
        ),
    ]
