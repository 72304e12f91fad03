"""CSV tables with a manifest: rows and SHA-256 of each, equal over runs, machines and databases."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path


class Tables:
    """Writes the files of one folder and keeps what the manifest says about them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: dict[str, dict[str, object]] = {}

    def write(self, name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """One CSV table, comma and line feed, the header first."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(header)
        num_rows = 0
        for row in rows:
            writer.writerow(row)
            num_rows += 1
        self._keep(name, buffer.getvalue(), num_rows)

    def write_text(self, name: str, text: str) -> None:
        """A file that is no table; its rows are its lines."""
        self._keep(name, text, text.count("\n"))

    def note(self, name: str, rows: int, digest: str) -> None:
        """A file that somebody else wrote."""
        self.manifest[name] = {"rows": rows, "sha256": digest}

    def _keep(self, name: str, text: str, rows: int) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = text.encode()
        path.write_bytes(content)
        self.note(name, rows, sha256(content).hexdigest())

    def finish(self) -> None:
        """Write manifest.json."""
        text = json.dumps(self.manifest, indent=1, sort_keys=True) + "\n"
        (self.folder / "manifest.json").write_text(text, encoding="utf-8")
