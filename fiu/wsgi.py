"""The WSGI application that gunicorn serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")

application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018  # imported once before the server forks, not in each worker
gc.freeze()  # what the workers share stays shared: a look for garbage would write on each object
