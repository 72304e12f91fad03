"""How fast people and programs go: counted in the database, so for all processes at once (S4)."""

from django.db import models


class Pace(models.Model):
    """One person or address at one limit; without a row, or after `rest_at`, all is at rest.

    Every passing moves `rest_at` (milliseconds since 1970) one step on; too far ahead is too
    fast. It has no index, which every passing would have to write as well.
    """

    key = models.CharField(max_length=80, primary_key=True)
    rest_at = models.BigIntegerField()
