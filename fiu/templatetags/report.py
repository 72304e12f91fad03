"""`{% load report %}`: the words of the printed release in the language of its dossier."""

from typing import Any

from django import template

from cases import report_words

register = template.Library()


@register.simple_tag(takes_context=True)
def say(context: Any, words: object) -> str:  # what a template holds
    """These words in the language of the release on the page; escaped like any text."""
    return report_words.say(str(words), context["language"])
