from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0040_event_kinds'),
    ]

    operations = [
        migrations.CreateModel(
            name='ImportMark',
            fields=[
                ('file_sha256', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('num_rows', models.PositiveBigIntegerField(default=0)),
            ],
        ),
    ]
