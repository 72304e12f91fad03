"""CSV files that a command reads as a whole: size, text and rows are judged in one place."""

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from cases.services.errors import ImportRefused

LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CommandFile:
    """The first line of a file, the rows below it, and the SHA-256 of its bytes."""

    head: tuple[str, ...]
    rows: list[list[str]]
    sha256: str


def read_command_file(path: Path, most: int) -> CommandFile:
    """A file of at most 64 MB and `most` rows, blank lines left out: O(its size) memory.

    Raises ImportRefused where it cannot be read, is no CSV in UTF-8, or is larger.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ImportRefused(path.name, 0, "the file has more than 64 MB: load it in parts.")
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
        rows = [cells for cells in csv.reader(io.StringIO(text, newline=""), strict=True) if cells]
    except OSError as error:
        raise ImportRefused(path.name, 0, f"it cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ImportRefused(path.name, 1, "the text is not UTF-8.") from None
    except csv.Error as error:
        raise ImportRefused(path.name, 1, f"no CSV line: {error}.") from None
    if len(rows) > most + 1:
        raise ImportRefused(path.name, 0, f"it has more than {most:,} rows: load it in parts.")
    head = tuple(rows[0]) if rows else ()
    return CommandFile(head, rows[1:], hashlib.sha256(raw).hexdigest())
