"""The WSGI application that gunicorn serves."""

import gc
import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from django.utils.module_loading import import_string

from fiu.gate import wait_at_gate

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")

django.setup(set_prefix=False)
# Imported once before the server forks, not in each worker.
get_resolver().url_patterns  # noqa: B018
import_string(settings.HINTS_BY)
wait_at_gate()  # what follows looks at the static files
application = get_wsgi_application()
gc.freeze()  # what the workers share stays shared: a look for garbage would write on each object
