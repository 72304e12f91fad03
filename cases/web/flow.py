"""The money flow of a case: graph, the equal table, inspector, export."""

import csv
import io
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from cases.exports import svg
from cases.flow import FlowError
from cases.http import AuthedRequest, casework
from cases.models import Case, CaseRun
from cases.queries.breakpoints import MOMENTS
from cases.queries.cases import CaseShell, case_shell
from cases.queries.flow import CaseFlow, case_flow, inspected, thresholds, words_of
from cases.queries.money import case_money
from cases.queries.traces import drawable_runs, lead_run
from cases.services.limits import take_export
from cases.web.shell import get_case, render_case

TABLE_ROWS = 200
MOST_OPENED = 20
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # spreadsheets would run what begins so


@require_safe
@casework
def case_flow_page(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    shell = case_shell(case, request.actor)
    runs = drawable_runs(case)
    run = chosen_run(request, case)
    context: dict[str, object] = {"shell": shell, "runs": runs, "run": run, "moments": MOMENTS}
    if run is not None:
        view = request.GET.get("view", "")
        context |= {"is_table": view == "table", "is_timeline": view == "timeline"}
        context |= drawn(request, case, shell, run)
        context |= ways(request, run, context["found"])
    return render_case(request, "cases/flow_tab.html", case, "case_flow", context)


@require_safe
@casework
def flow_inspector(request: AuthedRequest, case_id: UUID, run_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    shell = case_shell(case, request.actor)
    found = flow_of(request, case, shell, run_of(case, run_id))
    node = request.GET.get("node", "")
    possible = [each for each in found.going_on if each.id == node] if found is not None else []
    if found is not None and possible and node not in found.places:
        context = {"case": case, "found": found, "possible": possible[0], "moments": MOMENTS}
        return render(request, "cases/flow_possible.html", context)
    told = inspected(found, node) if found is not None else None
    if found is None or told is None:
        raise Http404
    place, came, went = told
    is_folded = len(found.members[node]) > 1
    opened = ",".join([*opened_of(request), node])
    query = {"run": run_id, **parts_of(request) | {"open": opened}}
    context = {
        "open_query": "?" + urlencode(query) if is_folded else "",
        "num_folded": len(found.members[node]),
        "case": case, "found": found, "place": place, "came": came[:8], "went": went[:8],
        "num_came": len(came), "num_went": len(went), "addresses": sorted(place.addresses)[:24],
        "may_change": shell.is_writable,
    }  # fmt: skip
    return render(request, "cases/flow_inspector.html", context)


@require_safe
@casework
def flow_picture(request: AuthedRequest, case_id: UUID, run_id: UUID) -> HttpResponse:
    """The key path alone as a drawing, for the overview."""
    case = get_case(request, case_id)
    money = case_money([case.pk], request.actor)
    found = case_flow(case, run_of(case, run_id), money, only_key=True)
    if found is None or not found.flow.nodes:
        return HttpResponse(status=204)
    drawing = mark_safe(svg.render(found.flow).decode())  # escaped by our exporter
    return render(request, "cases/flow_picture.html", {"drawing": drawing})


@require_safe
@casework
def flow_export(request: AuthedRequest, case_id: UUID, run_id: UUID, form: str) -> HttpResponse:
    """The drawn flow as SVG, or every movement between groups as CSV."""
    case = get_case(request, case_id)
    found = flow_of(request, case, case_shell(case, request.actor), run_of(case, run_id))
    if found is None:
        raise Http404
    is_picture = form == "svg"
    if not is_picture:
        take_export(by=request.actor)
    response = HttpResponse(
        svg.render(found.flow) if is_picture else table_bytes(found),
        content_type="image/svg+xml" if is_picture else "text/csv; charset=utf-8",
    )
    response["Content-Disposition"] = f'attachment; filename="{case.reference}-flow.{form}"'
    return response


def chosen_run(request: AuthedRequest, case: Case) -> CaseRun | None:
    """The run asked for, or the leading one; None when there is nothing to draw."""
    asked = request.GET.get("run", "")
    if not asked:
        return lead_run(case)
    try:
        return run_of(case, UUID(asked))
    except ValueError:
        raise Http404 from None


def run_of(case: Case, run_id: UUID) -> CaseRun:
    """A run of this case or 404."""
    run: CaseRun | None = case.runs.filter(run=run_id).first()
    if run is None:
        raise Http404
    return run


def drawn(request: AuthedRequest, case: Case, shell: CaseShell, run: CaseRun) -> dict[str, object]:
    """The flow for the page; a flow that cannot be drawn says why."""
    try:
        found = flow_of(request, case, shell, run)
    except FlowError as error:
        return {"found": None, "refused": str(error)}
    if found is None:
        return {"found": None}
    asked = request.GET.get("page", "")
    moments = found.moments() if request.GET.get("view") == "timeline" else []
    num_pages = max(1, -(-(len(moments) or len(found.shown)) // TABLE_ROWS))
    is_number = asked.isascii() and asked.isdecimal() and len(asked) < 10
    page = max(1, min(int(asked), num_pages)) if is_number else 1
    rows = slice((page - 1) * TABLE_ROWS, page * TABLE_ROWS)
    return {
        "found": found, "page": page, "num_pages": num_pages,
        "moves": found.shown[rows], "moments": moments[rows],
    }  # fmt: skip


def ways(request: AuthedRequest, run: CaseRun, found: object) -> dict[str, object]:
    """The other views of this flow and its least amounts, each with its address."""
    least = least_of(request)
    view = request.GET.get("view", "")
    drawn_as = parts_of(request)

    def address(**changed: object) -> str:
        parts = {"run": run.run, "view": view} | drawn_as | changed
        return "?" + urlencode({name: value for name, value in parts.items() if value})

    views = [("", _("Flow")), ("table", _("Table")), ("timeline", _("Timeline"))]
    chips: list[tuple[str, bool, str]] = []
    if isinstance(found, CaseFlow) and found.largest:
        chips = [(_("All amounts"), not least, address(least=0, open=""))]
        chips += [
            (_("From %(amount)s") % {"amount": words_of(each, found.asset)}, each == least,
             address(least=each, open=""))
            for each in thresholds(found.largest)
        ]  # fmt: skip
    num_possible = len(found.going_on) if isinstance(found, CaseFlow) and not view else 0
    if num_possible:
        is_on = shows_possible(request)
        words = ngettext("%(n)s place it may go on", "%(n)s places it may go on", num_possible)
        chips.append((words % {"n": num_possible}, is_on, address(possible="" if is_on else "1")))
    return {
        "views": [(words, address(view=name), name == view) for name, words in views],
        "least_chips": chips,
        "shows_possible": bool(num_possible) and shows_possible(request),
        "query": address()[1:],
        "least_query": "?" + urlencode(drawn_as) if drawn_as else "",
        "close_url": address(open="") if "open" in drawn_as else "",
    }


def parts_of(request: AuthedRequest) -> dict[str, object]:
    """What decides how the flow is drawn, for the addresses of its picture and inspector."""
    parts = {
        "least": least_of(request), "open": ",".join(opened_of(request)),
        "possible": int(shows_possible(request)),
    }  # fmt: skip
    return {name: value for name, value in parts.items() if value}


def shows_possible(request: AuthedRequest) -> bool:
    """Whether what may go on behind a break point is drawn, too."""
    return request.GET.get("possible") == "1"


def least_of(request: AuthedRequest) -> int:
    """The least amount asked for, in base units; anything else stands for none."""
    asked = request.GET.get("least", "")
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= 78 else 0


def opened_of(request: AuthedRequest) -> list[str]:
    """Folded cards to open in place, in this order; anything else opens nothing."""
    return [each for each in request.GET.get("open", "").split(",") if each][:MOST_OPENED]


def flow_of(request: AuthedRequest, case: Case, shell: CaseShell, run: CaseRun) -> CaseFlow | None:
    is_key = request.GET.get("only") == "key"
    return case_flow(
        case, run, shell.money, is_key, least_of(request), opened_of(request),
        with_possible=shows_possible(request),
    )  # fmt: skip


def table_bytes(found: CaseFlow) -> bytes:
    """Every movement between groups: names, base units, transactions."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow([_("From"), _("To"), _("Base units"), _("Key path"), _("Transactions")])
    for move in found.moves:
        rows.writerow([
            plain(move.source.label), plain(move.target.label), str(move.amount),
            "1" if move.is_key else "0", " ".join(move.txids),
        ])  # fmt: skip
    return text.getvalue().encode("utf-8")


def plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


urlpatterns = [
    path("cases/<uuid:case_id>/flow/", case_flow_page, name="case_flow"),
    path("cases/<uuid:case_id>/flow/<uuid:run_id>/card/", flow_inspector, name="flow_inspector"),
    path(
        "cases/<uuid:case_id>/flow/<uuid:run_id>/picture/", flow_picture, name="flow_picture"
    ),
    path(
        "cases/<uuid:case_id>/flow/<uuid:run_id>/flow.svg",
        flow_export, {"form": "svg"}, name="flow_svg",
    ),
    path(
        "cases/<uuid:case_id>/flow/<uuid:run_id>/flow.csv",
        flow_export, {"form": "csv"}, name="flow_csv",
    ),
]  # fmt: skip
