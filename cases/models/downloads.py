"""The download ledger of releases: each time an officer took a file, with the bytes' own hash."""

from django.db import models

from cases.models.referrals import SharedRelease, SharedReleaseQuerySet, ShareGrant


class ReleaseDownloadQuerySet(SharedReleaseQuerySet):
    case_path = "release__referral__case__"


class ReleaseDownload(models.Model):
    """One download; `number` counts those of one copy, and its ZIP carries it as `mark`."""

    release = models.ForeignKey(SharedRelease, models.PROTECT, related_name="downloads")
    grant = models.ForeignKey(ShareGrant, models.PROTECT, related_name="downloads")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)  # of the bytes that were handed out
    at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True)

    objects = ReleaseDownloadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="release_download_once", fields=["grant", "number"])
        ]

    @property
    def mark(self) -> str:
        """What names this one download."""
        return f"{self.grant.watermark}-{self.number}"
