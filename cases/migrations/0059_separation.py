import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import cases.states


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0058_answered_request"),
    ]

    operations = [
        migrations.CreateModel(
            name="Separation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("ledger", models.CharField(max_length=24)),
                ("first", models.CharField(max_length=100)),
                ("second", models.CharField(max_length=100)),
                ("joins", models.JSONField(default=list)),
                ("basis", models.CharField(max_length=500)),
                ("state", models.CharField(default="proposed", max_length=12)),
                ("asked_at", models.DateTimeField()),
                ("reason", models.CharField(max_length=500)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision", models.CharField(blank=True, max_length=500)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="separations",
                        to="cases.case",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["ledger", "second"], name="separation_second")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["proposed", "refused", "active", "disputed", "retracted"])),
                        name="separation_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_by", None),
                                ("state__in", [cases.states.TagState["PROPOSED"], cases.states.TagState["DISPUTED"]]),
                            ),
                            models.Q(
                                (
                                    "state__in",
                                    [
                                        cases.states.TagState["ACTIVE"],
                                        cases.states.TagState["REFUSED"],
                                        cases.states.TagState["RETRACTED"],
                                    ],
                                ),
                                ("decided_by__isnull", False),
                                models.Q(("decided_by", models.F("asked_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="separation_decided_by_a_second_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("first", models.F("second")), _negated=True),
                        name="separation_of_two_addresses",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    cases.states.TagState["PROPOSED"],
                                    cases.states.TagState["ACTIVE"],
                                    cases.states.TagState["DISPUTED"],
                                ],
                            )
                        ),
                        fields=("ledger", "first", "second"),
                        name="one_live_separation_of_two_addresses",
                    ),
                ],
            },
        ),
    ]
