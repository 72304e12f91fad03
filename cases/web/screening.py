"""Screening a list of addresses: sent by POST, so that no address stands in an address line."""

from collections.abc import Iterator
from typing import TypeAlias

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from cases.exports.csv import MIME, Cell, write
from cases.http import AuthedRequest, casework
from cases.queries.screening import ScreenedLine, Screening, TooManyAddresses, screen
from cases.services.errors import TooFast
from cases.services.limits import take_export
from cases.services.reads import keep_screening
from cases.web.forms_screening import ScreeningForm
from tracing import reads

Tile: TypeAlias = dict[str, object]

HEADER = (
    "line", "address", "ledger", "result", "sanctions_lists", "listed_on", "label", "category",
    "confidence", "label_source", "label_by_cluster", "labels_disagree", "own", "accounts",
    "cases", "received_base", "sent_base", "last_seen", "reason",
)  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def screening(request: AuthedRequest) -> HttpResponse:
    """The form, or the list as a page; `as=csv` gives it as a file, guarded for spreadsheets."""
    asked = request.method == "POST"
    form = ScreeningForm(request.POST, request.FILES) if asked else ScreeningForm()
    found: Screening | None = None
    if asked and form.is_valid():
        try:
            found = screen(form.cleaned_data["text"], request.actor)
            if request.POST.get("as") == "csv":
                take_export(by=request.actor)
        except (TooManyAddresses, TooFast) as error:
            form.add_error(None, str(error))
    if found is not None and not form.errors:
        keep_screening([line.address.canonical for line in found.lines], by=request.actor)
        if request.POST.get("as") == "csv":
            return _file(found)
        form = ScreeningForm(initial={"text": form.cleaned_data["text"]})
    context: dict[str, object] = {"form": form, "found": None}
    if found is not None and not form.errors:
        context |= {"found": found, "kpis": _figures(found)}
    return render(request, "cases/screening.html", context, status=422 if form.errors else 200)


@require_POST
@casework
def screening_exposure(request: AuthedRequest) -> HttpResponse:
    """Exposure of one address of the list: a part of the page, asked for by a click."""
    address = request.POST.get("address", "")[:120]
    context: dict[str, object] = {"address": address}
    try:
        parsed = reads.parse_address(address)
    except reads.AddressError as error:
        context["reason"] = str(error)
        return render(request, "cases/screening_exposure.html", context, status=422)
    keep_screening([parsed.canonical], by=request.actor)
    if parsed.ledger in {ledger.name for ledger in reads.ledgers()}:
        context["view"] = reads.wallet_exposure(parsed.ledger, parsed.canonical)
    return render(request, "cases/screening_exposure.html", context)


def _figures(found: Screening) -> list[Tile]:
    """The tiles above the table; an address can stand in several."""

    def tile(label: str, number: int, icon: str, tone: str = "", sub: str = "") -> Tile:
        tone = tone if number else ""
        return {"label": label, "text": f"{number:,}", "icon": icon, "tone": tone, "sub": sub}

    disputed = ngettext("%(number)s disagrees", "%(number)s disagree", found.num_disputed) % {
        "number": f"{found.num_disputed:,}"
    }

    return [
        tile(_("Addresses"), len(found.lines), "list"),
        tile(_("On a sanctions list"), found.num_listed, "ban", "bad"),
        tile(
            _("With a tag"),
            found.num_labelled,
            "flag",
            "warn",
            disputed if found.num_disputed else "",
        ),
        tile(_("Of this exchange"), found.num_ours, "landmark", "good"),
        tile(_("In your cases"), found.num_in_cases, "briefcase"),
        tile(_("Without a word"), found.num_without_word, "circle-dashed"),
    ]


def _file(found: Screening) -> HttpResponse:
    name = f"screening-{timezone.now():%Y%m%d-%H%M%S}.csv"
    return HttpResponse(
        write(HEADER, _rows(found)),
        content_type=MIME,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _rows(found: Screening) -> Iterator[list[Cell]]:
    for line in found.lines:
        yield _row(line)
    for pasted in found.rejected:
        empty: list[Cell] = [""] * (len(HEADER) - 5)
        yield [pasted.number, pasted.text, "", "no_address", *empty, pasted.reason]


def _row(line: ScreenedLine) -> list[Cell]:
    tags, summary = line.tags, line.summary
    best = tags.best if tags else None
    entries = (*tags.sanctions, *tags.inherited_sanctions) if tags else ()
    days = [entry.listed_on for entry in entries if entry.listed_on]
    return [
        line.number,
        line.address.canonical,
        line.address.ledger,
        line.result,
        "; ".join(f"{entry.list}: {entry.entry}" for entry in entries),
        min(days).isoformat() if days else "",
        best.label if best else "",
        best.category if best else "",
        best.level if best else "",
        f"{best.pack}: {best.source}" if best else "",
        "yes" if best and best.via else "",
        "yes" if tags and tags.conflict else "",
        line.own or ("deposit" if line.deposits else ""),
        "; ".join(line.accounts),
        "; ".join(sorted({wallet.case.reference for wallet in line.wallets})),
        summary.received if summary else "",
        summary.sent if summary else "",
        summary.last_at.isoformat() if summary and summary.last_at else "",
        "",
    ]


urlpatterns = [
    path("screening/", screening, name="screening"),
    path("screening/exposure/", screening_exposure, name="screening_exposure"),
]
