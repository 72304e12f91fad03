"""What is served beside pages: all that a template names, and of libraries nothing else."""

import re
from pathlib import Path

from fiu.preparation import served_files

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"\{% static '([^'{]+)' %\}")


def test_every_file_that_a_template_names_is_served() -> None:
    named = {
        name
        for page in (ROOT / "templates").rglob("*.html")
        for name in NAMED.findall(page.read_text())
    }
    assert named
    assert named <= dict(served_files()).keys()


def test_of_libraries_only_what_pages_load_is_served() -> None:
    assert [name for name in dict(served_files()) if name.startswith("rest_framework/")] == []
    assert [name for name in dict(served_files()) if name.startswith("django_htmx/")] == [
        "django_htmx/htmx-2.min.js"
    ]
