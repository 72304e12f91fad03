"""`python -m tests.accuracy [--full] [--write]`: see `tests.demo_accuracy`."""

import os
import sys
from importlib import import_module

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")
    django.setup()
    # By name: what it measures needs the settings before it is imported.
    sys.exit(import_module("tests.demo_accuracy").main())
