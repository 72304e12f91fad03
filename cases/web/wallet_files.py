"""Taking the wallets of a STIX, MISP or FollowTheMoney file into a case."""

from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from cases.http import AuthedRequest, casework
from cases.models.wallets import WALLET_ROLES
from cases.services.errors import CaseworkError
from cases.services.instruments import UploadedBytes
from cases.services.uploads import require_clean
from cases.services.wallet_files import MAXIMUM_BYTES, import_wallets
from cases.web.shell import get_case, render_case
from cases.web.wallets import added_words


class WalletFileForm(forms.Form):
    """The file, the role of its wallets, and who sent it."""

    file = forms.FileField(
        label=_("File"), help_text=_("STIX 2.1, MISP or FollowTheMoney, up to 5 MB.")
    )
    role = forms.ChoiceField(label=_("Role"), choices=WALLET_ROLES, initial="unknown")
    source = forms.CharField(
        label=_("Who sent it"), max_length=150,
        help_text=_("It is kept with each wallet and with the exhibit that the file becomes."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@casework
def wallets_import(request: AuthedRequest, case_id: UUID) -> HttpResponse:
    """The form, and what became of each address of the file."""
    case = get_case(request, case_id)
    form = WalletFileForm(request.POST or None, request.FILES or None)
    context: dict[str, object] = {"form": form}
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            require_clean(upload)
            document = UploadedBytes(upload.name, upload.read(MAXIMUM_BYTES + 1))
            context["format"], report = import_wallets(
                case, document=document, role=form.cleaned_data["role"],
                source=form.cleaned_data["source"], by=request.actor,
            )  # fmt: skip
        except CaseworkError as error:
            form.add_error(None, str(error))
        else:
            if not report.rejected:
                return redirect("case_wallets", case.public_id)
            context |= {"report": report, "added_words": added_words(len(report.added))}
    status = 422 if form.errors else 200
    return render_case(request, "cases/wallet_import.html", case, "case_wallets", context, status)


urlpatterns = [
    path("cases/<uuid:case_id>/wallets/import/", wallets_import, name="wallets_import"),
]
