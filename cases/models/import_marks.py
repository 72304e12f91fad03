"""How far a resumable import of the exchange's records has come."""

from django.db import models


class ImportMark(models.Model):
    """Rows of one file that are kept; the row goes when the file is through."""

    file_sha256 = models.CharField(max_length=64, primary_key=True)
    num_rows = models.PositiveBigIntegerField(default=0)
