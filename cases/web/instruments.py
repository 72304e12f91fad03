"""Legal instruments of a case: recorded by one person, verified by a second."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cases.http import AuthedRequest, casework
from cases.models import LegalInstrument
from cases.policy import Action
from cases.services.errors import CaseworkError
from cases.services.instruments import UploadedBytes, record_instrument, verify_instrument
from cases.services.uploads import require_clean
from cases.web.acts import Act, Fact, perform, why_not
from cases.web.forms_freezes import InstrumentForm
from cases.web.shell import get_case, render_case

TAB = "case_freezes"


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def instrument_new(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    case = get_case(request, case_id)
    form = InstrumentForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        values = dict(form.cleaned_data)
        agency, upload = values.pop("agency"), values.pop("document")
        agency_id = int(agency) if agency else None
        try:
            if upload:
                require_clean(upload)
            document = UploadedBytes(upload.name, upload.read()) if upload else None
            record_instrument(
                case, **values, agency_id=agency_id, document=document, by=request.actor
            )
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            return redirect("case_freezes", case.public_id)
    context = {"form": form}
    status = 422 if form.errors else 200
    return render_case(request, "cases/instrument_form.html", case, TAB, context, status)


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def instrument_verify(request: AuthedRequest, instrument_id: UUID) -> HttpResponse:
    visible = LegalInstrument.objects.visible_to(request.actor).select_related("case")
    instrument = get_object_or_404(visible, public_id=instrument_id)
    act = verify_act(request, instrument)
    return perform(
        request,
        act,
        lambda _reason, _hash: verify_instrument(instrument, by=request.actor),
        _("Instrument verified."),
    )


def verify_act(request: AuthedRequest, instrument: LegalInstrument) -> Act:
    """The act by which a second person confirms an instrument."""
    return Act(
        id=f"verify-{instrument.public_id}",
        url=reverse("instrument_verify", args=[instrument.public_id]),
        title=_("Verify %(number)s?") % {"number": instrument.number},
        effect=_("You confirm that it is genuine and in date, by a call to the known number."),
        verb=_("Verify instrument"),
        icon="shield-check",
        cancel_url=reverse("case_freezes", args=[instrument.case.public_id]),
        facts=[
            Fact(_("Kind"), str(instrument.get_type_display())),
            Fact(_("Issued by"), instrument.issued_by, str(instrument.issued_on)),
        ],
        blocked=why_not(request.actor, Action.VERIFY_INSTRUMENT, instrument.recorded_by_id),
    )


urlpatterns = [
    path("cases/<uuid:case_id>/instruments/new/", instrument_new, name="instrument_new"),
    path("instruments/<uuid:instrument_id>/verify/", instrument_verify, name="instrument_verify"),
]
