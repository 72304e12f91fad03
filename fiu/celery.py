"""The Celery application. A message is only a hint: the rows in the database are the truth."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")

app = Celery("fiu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
