"""Every address of the door for programs, under /api/v1/."""

from cases.api import (
    alerts,
    approval_policies,
    audit,
    cases,
    evidence,
    findings,
    freeze_ledger,
    freezes,
    inbox,
    instruments,
    operations,
    referrals,
    reports,
    requests,
    screening,
    search,
    suspects,
    tag_conflicts,
    tags,
    tasks,
    traces,
    wallets,
)
from cases.api.documents import described

PREFIX = "/api/v1/"
NOUNS = [
    *cases.urlpatterns,
    *wallets.urlpatterns,
    *tags.urlpatterns,
    *tag_conflicts.urlpatterns,
    *suspects.urlpatterns,
    *traces.urlpatterns,
    *findings.urlpatterns,
    *freezes.urlpatterns,
    *freeze_ledger.urlpatterns,
    *approval_policies.urlpatterns,
    *instruments.urlpatterns,
    *referrals.urlpatterns,
    *requests.urlpatterns,
    *alerts.urlpatterns,
    *reports.urlpatterns,
    *operations.urlpatterns,
    *tasks.urlpatterns,
    *evidence.urlpatterns,
    *inbox.urlpatterns,
    *audit.urlpatterns,
    *screening.urlpatterns,
    *search.urlpatterns,
]
urlpatterns = [*described(NOUNS, PREFIX), *NOUNS]
