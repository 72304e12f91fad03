#!/usr/bin/env python
"""Run a management command of this installation."""

import os
import signal
import sys

from django.core.management import execute_from_command_line

from cases.acting import let_process_act_as_system
from fiu.database_errors import sentence_of


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")
    let_process_act_as_system()
    try:
        execute_from_command_line(sys.argv)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None:
            raise
        sys.exit(f"CommandError: {sentence}")


if __name__ == "__main__":
    main()
