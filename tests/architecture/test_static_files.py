"""What is served beside pages: all that a template names, and of libraries nothing else."""

import re
from pathlib import Path

from django.apps import apps
from django.contrib.staticfiles.finders import get_finders

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"\{% static '([^'{]+)' %\}")


def served() -> set[str]:
    patterns = apps.get_app_config("staticfiles").ignore_patterns
    return {name for finder in get_finders() for name, _storage in finder.list(patterns)}


def test_every_file_that_a_template_names_is_served() -> None:
    named = {
        name
        for page in (ROOT / "templates").rglob("*.html")
        for name in NAMED.findall(page.read_text())
    }
    assert named
    assert named <= served()


def test_of_libraries_only_what_pages_load_is_served() -> None:
    assert [name for name in served() if name.startswith("rest_framework/")] == []
    assert [name for name in served() if name.startswith("django_htmx/")] == [
        "django_htmx/htmx-2.min.js"
    ]
