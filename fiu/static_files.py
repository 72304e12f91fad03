"""Which static files of libraries we serve: only those that our pages load."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class OwnStaticFiles(StaticFilesConfig):
    """Without the pages of REST framework, which we do not have, and other releases of htmx.

    What is not served need not be kept safe, copied at the first start, or compressed.
    """

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        "rest_framework",
        "ext",
        "django-htmx.js",
        "htmx-2.js",
        "htmx-4*",
        "htmax-*",
    ]
