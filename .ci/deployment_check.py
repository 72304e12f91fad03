"""What must hold before a deployment: no missing migration, no warning of Django's own check."""

import os
import subprocess
import sys
import tempfile

COMMANDS = (
    ("makemigrations", "--check", "--dry-run"),
    ("check", "--deploy", "--fail-level", "WARNING"),
)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="fiu-check-") as home:
        environment = {
            **os.environ,
            "FIU_HOME": home,
            "FIU_TLS": "1",
            "FIU_ALLOWED_HOSTS": "fiu.example",
            "FIU_ORIGIN": "https://fiu.example",
        }
        for command in COMMANDS:
            answer = subprocess.run(
                [sys.executable, "manage.py", *command],
                env=environment,
                check=False,
            )
            if answer.returncode:
                return answer.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
