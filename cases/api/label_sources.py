"""Labels: the version that counts, its packs and lists, and the sources with their last result."""

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api.door import Call, Door, route
from cases.api.fields import Row
from cases.models import LabelSource
from cases.queries.label_sources import labels_view


class LabelPackAnswer(serializers.Serializer):
    """A version of a tag pack."""

    name = serializers.CharField()
    sha256 = serializers.CharField()
    lastmod = serializers.DateField(allow_null=True)
    num_tags = serializers.IntegerField()


class TagSetAnswer(serializers.Serializer):
    """A version of everything that labels say; packs and lists as [name, sha256]."""

    number = serializers.IntegerField()
    sha256 = serializers.CharField()
    packs = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    lists = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    at = serializers.DateTimeField()


class LabelSourceAnswer(Row):
    """A file that is fetched again and again."""

    class Meta:
        model = LabelSource
        fields = [
            "name", "kind", "location", "every_hours", "is_on", "due_at", "last_at",
            "last_outcome", "last_error", "num_failures", "num_rows", "sha256", "changed_at",
        ]  # fmt: skip


class LabelsAnswer(serializers.Serializer):
    """The labels of this installation."""

    tag_set = TagSetAnswer(allow_null=True)
    packs = LabelPackAnswer(many=True)
    sources = LabelSourceAnswer(many=True)


class Labels(Door):
    calls = {"GET": Call(_("Labels: the version that counts, and its sources"), LabelsAnswer)}

    def get(self, request: Request) -> Response:
        return self.tell(labels_view())


urlpatterns = [route("labels", Labels, "label_list")]
