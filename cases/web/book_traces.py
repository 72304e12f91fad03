"""Money through the exchange's own books: what a run reached, or of one account; kept sealed."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cases.http import AuthedRequest, casework
from cases.models import Case, ExchangeAccount
from cases.policy import Action, may
from cases.queries import book_runs as sealed
from cases.queries import book_traces as queries
from cases.queries.exposures import account_of_case
from cases.services.book_runs import seal_books
from cases.web.shell import get_case, render_case
from tracing import reads

TAB = "case_suspects"
FIRST_POLICY = "haircut"
SHOWN = 100
WHATS = {
    queries.DEPOSITS: gettext_lazy("All its deposits, onward"),
    queries.HELD: gettext_lazy("What it holds, back to its sources"),
    queries.WITHDRAWALS: gettext_lazy("What it withdrew, back to its sources"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def case_books(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    """From what the lead run reached, or the run asked for, over every account that it went to.

    A run for the source of funds leads back from our withdrawals. A post seals the answer.
    """
    case = get_case(request, case_id)
    asked = request.POST if request.method == "POST" else request.GET
    run = _run_of(case, asked.get("run", ""))
    if request.method == "POST":
        kept = seal_books(case, None, of_run=run, by=request.actor)
        messages.success(request, _("The answer is sealed."))
        return redirect("book_run", kept.public_id)
    context = {
        "view": queries.case_books(case, run),
        "run": run,
        "sealed": sealed.book_runs_of(case, request.actor)[:SHOWN],
        "may_seal": may(request.actor, Action.QUEUE_TRACE),
    }
    return render_case(request, "cases/book_trace.html", case, TAB, context)


def _run_of(case: Case, text: str) -> UUID | None:
    """The run of this case that is asked for, None for its lead run."""
    if not text:
        return None
    try:
        run = UUID(text)
    except ValueError:
        raise Http404 from None
    if not case.runs.filter(run=run).exists():
        raise Http404
    return run


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def account_books(request: AuthedRequest, case_id: UUID, account_id: UUID) -> HttpResponse:
    """Of one account, onward or back; everybody stays masked. A post seals the answer."""
    case = get_case(request, case_id)
    account: ExchangeAccount | None = account_of_case(case, account_id)
    asked = request.POST if request.method == "POST" else request.GET
    policy, what = asked.get("policy", FIRST_POLICY), asked.get("what", queries.DEPOSITS)
    if account is None or policy not in reads.POLICIES or what not in queries.WHATS:
        raise Http404
    if request.method == "POST":
        kept = seal_books(case, account, policy=policy, what=what, by=request.actor)
        messages.success(request, _("The answer is sealed."))
        return redirect("book_run", kept.public_id)
    context = {
        "view": queries.account_books(account, policy, what=what),
        "account": account,
        "policies": reads.POLICIES,
        "what": what,
        "whats": WHATS.items(),
        "sealed": sealed.book_runs_of(case, request.actor, account)[:SHOWN],
        "may_seal": may(request.actor, Action.QUEUE_TRACE),
    }
    return render_case(request, "cases/book_trace.html", case, TAB, context)


@require_safe
@casework
def book_run(request: AuthedRequest, book_run_id: UUID) -> HttpResponse:
    """A sealed answer as it was; `repeat` asks it again, of the books of then or of now."""
    kept = get_object_or_404(sealed.visible_book_run(request.actor, book_run_id))
    repeat = request.GET.get("repeat", "")
    if repeat not in ("", "then", "now"):
        raise Http404
    again = sealed.repeat_book_run(kept, of_now=repeat == "now") if repeat else None
    context = {
        "kept": kept,
        "view": sealed.book_run_view(kept),
        "account": kept.account,
        "what": kept.what,
        "again": again,
        "changes": again.changes[:SHOWN] if again else (),
        "repeat": repeat,
    }
    return render_case(request, "cases/book_run.html", kept.case, TAB, context)


urlpatterns = [
    path("cases/<uuid:case_id>/books/", case_books, name="case_books"),
    path(
        "cases/<uuid:case_id>/accounts/<uuid:account_id>/books/",
        account_books,
        name="account_books",
    ),
    path("book-runs/<uuid:book_run_id>/", book_run, name="book_run"),
]
