"""What the two commands that load labels share: their answer as JSON and in words."""

from typing import Any

from tracing.jobs import LabelReport

SHOWN = 20


def report_json(report: LabelReport) -> dict[str, Any]:
    """Counts of a file, and each row that is not stored."""
    return {
        "file": report.file,
        "name": report.name,
        "sha256": report.sha256,
        "added": report.num_added,
        "stored": report.num_stored,
        "chains": report.chains,
        "categories": report.categories,
        "num_rejected": len(report.rejected),
        "rejected": [
            {"row": row.number, "text": row.text, "reason": row.reason} for row in report.rejected
        ],
        "unknown_concepts": list(report.unknown_concepts),
        "notes": list(report.notes),
        "supersedes": report.supersedes,
    }


def in_words(report: LabelReport) -> list[str]:
    """The same for a reader."""
    counts = ", ".join(f"{number:,} {family}" for family, number in report.chains.items())
    state = f"{report.num_added:,} added" if report.num_added else "loaded before, nothing changed"
    lines = [f"{report.file}: {report.name}, {report.num_stored:,} stored ({counts}); {state}"]
    lines += [f"  {note}" for note in report.notes]
    if report.supersedes:
        lines.append(f"  takes the place of version {report.supersedes}")
    if report.unknown_concepts:
        lines.append(f"  kept, but not in the taxonomy: {', '.join(report.unknown_concepts)}")
    lines += [f"  row {row.number}: {row.text}: {row.reason}" for row in report.rejected[:SHOWN]]
    if len(report.rejected) > SHOWN:
        lines.append(f"  and {len(report.rejected) - SHOWN} more; --json lists all of them")
    return lines
