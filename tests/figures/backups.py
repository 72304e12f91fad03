"""How fast an installation is copied and stands again: a case, many records, a pile of files.

`pile NUMBER`, in the environment of an installation, adds records of the exchange to it.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

import django

if __name__ == "__main__":
    django.setup()

from cases.models import Asset, ExchangeAccount, ExchangeRecord
from tests.figures.figure import Figure, hand_over, load

ROOT: Final = Path(__file__).resolve().parents[2]
TARGET_BYTES, TARGET_SECONDS = 10 * 10**9, 15 * 60
FILE_BYTES: Final = 20_000_000
AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def measure(folder: Path, gigabytes: float, num_records: int) -> list[Figure]:
    """In an empty folder; needs four times as much room."""
    busy = load()
    house = _installation(folder / "house")
    command(house, "-m", "tests.integration.backup_hands", "seed")
    command(house, "-m", __spec__.name, "pile", str(num_records))
    files = folder / "house" / "files" / "pile"
    files.mkdir(parents=True)
    for number in range(round(gigabytes * 10**9 / FILE_BYTES)):
        (files / f"{number:06d}").write_bytes(os.urandom(FILE_BYTES))
    copied = command(house, "manage.py", "backup", str(folder / "copy"))
    size = sum(path.stat().st_size for path in (folder / "copy").rglob("*") if path.is_file())
    new = _installation(folder / "new")
    new["FIU_SECRET_KEY_FILE"] = str(folder / "house" / "secrets" / "secret_key")
    restored = command(new, "manage.py", "restore", str(folder / "copy"))
    whole = restored * TARGET_BYTES / size
    print(f"{size / 1e9:.2f} GB: copied in {copied:.0f} s, restored in {restored:.0f} s")
    return [
        Figure(
            "a restore takes minutes",
            "15 minutes for 10 GB",
            f"{restored:.0f} s for {size / 1e9:.1f} GB with {num_records:,} records (backup"
            f" {copied:.0f} s), so {whole / 60:.1f} minutes for 10 GB",
            is_met=whole <= TARGET_SECONDS,
            by="`python -m tests.figures backups`",
            load=busy,
        )
    ]


def _installation(home: Path) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FIU_")}
    return {
        **clean, "DJANGO_SETTINGS_MODULE": "fiu.settings", "FIU_HOME": str(home),
        "FIU_LOG_LEVEL": "WARNING",
    }  # fmt: skip


def command(environment: dict[str, str], *words: str) -> float:
    """Seconds that a command took; SystemExit with its words where it failed."""
    begun = monotonic()
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return monotonic() - begun


def pile(num_records: int) -> None:
    """Deposits, ten thousand in a statement."""
    account = ExchangeAccount.objects.order_by("pk")[0]
    asset = Asset.objects.order_by("pk")[0]
    for first in range(0, num_records, 10_000):
        ExchangeRecord.objects.bulk_create(
            ExchangeRecord(
                ref=f"PILE-{number}", kind="deposit", account=account, asset=asset, base=number,
                at=AT, status="completed", txid=f"{number:064x}",
            )
            for number in range(first, min(first + 10_000, num_records))
        )  # fmt: skip


if __name__ == "__main__" and sys.argv[1] == "pile":
    pile(int(sys.argv[2]))
elif __name__ == "__main__":
    hand_over(sys.argv[1], measure(Path(sys.argv[1]).parent, float(sys.argv[2]), int(sys.argv[3])))
