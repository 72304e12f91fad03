"""What row-level security costs a query: `python -m tests.bench.row_security [--cases 20000]`.

A PostgreSQL of its own with that many cases, of which an analyst sees one in thirty. The same
queries without the wall and with it, the median of 300 each; then what a query reads that forgot
its filter.
"""

import argparse
import os
import subprocess
import sys
import tempfile

from tests import servers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    options = parser.parse_args()
    with (
        servers.postgresql() as server,
        servers.database_of_its_own(server.url) as url,
        tempfile.TemporaryDirectory(prefix="fiu-bench-") as home,
    ):
        print(f"{server.origin}, {options.cases} cases", flush=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FIU_")}
        settings = {"FIU_HOME": home, "FIU_DATABASE_URL": url, "FIU_RLS": "1"}
        return subprocess.run(
            [sys.executable, "-m", "tests.bench.row_security_hands", str(options.cases)],
            env={**clean, **settings, "FIU_LOG_LEVEL": "WARNING"},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
