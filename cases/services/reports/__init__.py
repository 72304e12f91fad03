"""Suspicion reports: draft, validate, second person, file. Nobody without the right learns of one.

Their events are a chain of their own (chain.py): no case, count or other chain shows a gap.
"""

from cases.services.reports.afterwards import (
    acknowledge_report,
    clock_of_next,
    follow_report,
    told_facts,
)
from cases.services.reports.answers import COLUMNS, MOST_BYTES, ImportedAnswer, import_answers
from cases.services.reports.chain import (
    holds_report_seal,
    read_report,
    seal_of_reports,
    verify_report_chain,
)
from cases.services.reports.decisions import (
    approve_report,
    file_report,
    return_report,
    review_report,
    validate_report,
)
from cases.services.reports.disposal import (
    dispose_report,
    is_time_over,
    keep_report,
    report_kept_until,
    request_report_disposal,
)
from cases.services.reports.drafts import draft_report, edit_report, edit_subject

__all__ = [
    "COLUMNS",
    "MOST_BYTES",
    "ImportedAnswer",
    "acknowledge_report",
    "approve_report",
    "clock_of_next",
    "dispose_report",
    "draft_report",
    "edit_report",
    "edit_subject",
    "file_report",
    "follow_report",
    "holds_report_seal",
    "import_answers",
    "is_time_over",
    "keep_report",
    "read_report",
    "report_kept_until",
    "request_report_disposal",
    "return_report",
    "review_report",
    "seal_of_reports",
    "told_facts",
    "validate_report",
    "verify_report_chain",
]  # fmt: skip
