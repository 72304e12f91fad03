"""Time stamps of sealed releases by an outside authority (RFC 3161)."""

from django.db import models

from cases.models.referrals import SharedRelease, SharedReleaseQuerySet


class ReleaseStampQuerySet(SharedReleaseQuerySet):
    case_path = "release__referral__case__"


class ReleaseStamp(models.Model):
    """What the authority answered about the SHA-256 of a release's dossier, as it came."""

    release = models.OneToOneField(SharedRelease, models.PROTECT, related_name="stamp")
    host = models.CharField(max_length=255)
    answer = models.BinaryField()
    at = models.DateTimeField()

    objects = ReleaseStampQuerySet.as_manager()
