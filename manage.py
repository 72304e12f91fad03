#!/usr/bin/env python
"""Run a management command of this installation."""

import os
import sys

from django.core.management import execute_from_command_line

from cases.acting import let_process_act_as_system


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")
    let_process_act_as_system()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
