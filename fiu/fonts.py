"""Whether what this installation prints can be read: Pango, and a font with Chinese letters."""

from typing import Any

from django.core import checks

NO_PANGO = "Releases have no PDF here: Pango is not installed."
NO_CHINESE = (
    "Releases in Traditional Chinese have no PDF here: no font with its letters is installed."
)
HINT = "Install fonts-noto-cjk, or another font with Chinese letters."


@checks.register(checks.Tags.compatibility, deploy=True)
def check_fonts(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """`check --deploy` warns while a printed release would be missing.

    The names are Debian's; the image of docker-compose.yml has all of it.
    """
    from cases.exports import pdf  # noqa: PLC0415  # every command starts here; few print

    if not pdf.is_available():
        hint = "Install libpango-1.0-0 and libpangoft2-1.0-0."
        return [checks.Warning(NO_PANGO, hint=hint, id="fiu.W001")]
    if pdf.lacks_chinese():
        return [checks.Warning(NO_CHINESE, hint=HINT, id="fiu.W002")]
    return []
