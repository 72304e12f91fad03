"""Work of a case: tasks, internal notes with their revisions, and who took what of the inbox."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.models.base import CaseScopedQuerySet, PublicModel, state_is_known
from cases.models.cases import Case
from cases.states import TaskState


class Task(PublicModel):
    """Something that somebody does in a case until a time."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="tasks")
    title = models.CharField(max_length=160)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    due_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, default=TaskState.OPEN.value)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            state_is_known("task_state_is_known", TaskState),
            models.CheckConstraint(
                name="ended_task_has_its_time",
                condition=Q(state="open", ended_at=None)
                | (~Q(state="open") & Q(ended_at__isnull=False)),
            ),
        ]
        indexes = [
            # A person's open tasks, and in the inbox with those that nobody has.
            models.Index(
                fields=["assignee", "due_at"], name="task_open", condition=Q(state="open")
            ),
            models.Index(fields=["due_at", "id"], name="task_due", condition=Q(state="open")),
        ]


class Note(PublicModel):
    """An internal text; what it says is its last revision."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="notes")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    objects = CaseScopedQuerySet.as_manager()


class NoteRevision(models.Model):
    """One wording of a note: kept as written."""

    note = models.ForeignKey(Note, models.PROTECT, related_name="revisions")
    number = models.PositiveSmallIntegerField()
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="note_revision_once", fields=["note", "number"])
        ]


class InboxClaim(models.Model):
    """Who took a row of the inbox, so that two people do not work on the same one."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="claims")
    kind = models.CharField(max_length=12)
    subject = models.UUIDField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    taken_at = models.DateTimeField()

    objects = CaseScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="inbox_row_taken_once", fields=["kind", "subject"])
        ]
