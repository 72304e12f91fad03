"""What stands behind the `?` of an address: each word known, given once, and read strictly."""

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import BooleanFilter, FilterSet, IsoDateTimeFilter
from rest_framework import exceptions
from rest_framework.request import Request

from cases.api.fields import Moment, require_once, shown

OF_A_PAGE = ("after", "size")


class TruthField(forms.Field):
    """`true` or `false`: a form's own field takes every other word for "not asked"."""

    def to_python(self, value: Any) -> Any:
        if value not in (None, "", "true", "false"):
            raise forms.ValidationError(_("Say true or false."))
        return None if not value else value == "true"


class Truth(BooleanFilter):
    """A filter by yes or no."""

    field_class = TruthField


class MomentField(forms.Field):
    """A time as bodies take it: with its zone."""

    def to_python(self, value: Any) -> datetime | None:
        if not value:
            return None
        try:
            at: datetime = Moment().run_validation(value)
        except exceptions.ValidationError as error:
            raise forms.ValidationError([str(each) for each in error.detail]) from None
        return at


class Since(IsoDateTimeFilter):
    """A filter from a time on."""

    field_class = MomentField


def require_known(request: Request, filters: type[FilterSet] | None, *, is_page: bool) -> None:
    """Raises ValidationError for a word that the call does not know, or that comes twice.

    A misspelt filter that is dropped would answer more than was asked for.
    """
    known = {*(filters.base_filters if filters else ()), *(OF_A_PAGE if is_page else ())}
    for name in request.query_params:
        if name not in known:
            words = _("There is no such filter here.")
            if known:
                words = _("There is no such filter here; there are %(names)s.") % {
                    "names": ", ".join(sorted(known))
                }
            raise exceptions.ValidationError({shown(name): [words]})
    require_once(request.query_params)


def judged(filters: type[FilterSet], request: Request, rows: QuerySet[Any]) -> FilterSet:
    """The filters of a request over these rows. Raises ValidationError."""
    found = filters(request.query_params, queryset=rows, request=request)
    if not found.form.is_valid():
        raise exceptions.ValidationError(
            {name: [str(each) for each in every] for name, every in found.form.errors.items()}
        )
    return found
