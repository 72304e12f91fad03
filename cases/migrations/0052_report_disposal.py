import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

SENT = ["filed", "disposal_requested", "disposed"]
STATES = ["drafting", "validated", "in_review", "approved", *SENT]


def person() -> models.ForeignKey:
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0051_answer_proposals"),
    ]

    operations = [
        migrations.RemoveConstraint("suspicionreport", "report_state_is_known"),
        migrations.RemoveConstraint("suspicionreport", "report_leaves_drafting_with_a_file"),
        migrations.RemoveConstraint("suspicionreport", "report_is_filed_only_approved"),
        migrations.AlterField(
            "suspicionreport", "state", models.CharField(default="drafting", max_length=20)
        ),
        migrations.AddField("suspicionreport", "disposal_asked_by", person()),
        migrations.AddField(
            "suspicionreport", "disposal_asked_at", models.DateTimeField(null=True)
        ),
        migrations.AddField("suspicionreport", "disposal_reason", models.TextField(blank=True)),
        migrations.AddField("suspicionreport", "disposed_by", person()),
        migrations.AddField("suspicionreport", "disposed_at", models.DateTimeField(null=True)),
        *(
            migrations.AddConstraint(
                "suspicionreport", models.CheckConstraint(name=name, condition=condition)
            )
            for name, condition in (
                ("report_state_is_known", Q(state__in=STATES)),
                (
                    "report_leaves_drafting_with_a_file",
                    Q(state="drafting")
                    | (~Q(content_hash="") & (~Q(file="") | Q(state="disposed"))),
                ),
                (
                    "report_is_filed_only_approved",
                    ~Q(state__in=["approved", *SENT]) | Q(approved_by__isnull=False),
                ),
                (
                    "report_disposed_of_by_a_second_person",
                    Q(disposed_by=None, disposed_at=None)
                    | (
                        Q(disposal_asked_by__isnull=False, disposed_at__isnull=False)
                        & ~Q(disposed_by=F("disposal_asked_by"))
                    ),
                ),
                (
                    "disposed_report_holds_nothing",
                    ~Q(state="disposed")
                    | Q(disposed_at__isnull=False, file="", reason="", action=""),
                ),
            )
        ),
    ]
