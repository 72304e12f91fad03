"""What comes in as a file is looked at by the virus scanner first, before any transaction (S8)."""

from typing import Protocol

import structlog
from django.utils.translation import gettext as _

from cases.gateways.antivirus import Infected, NotScanned, is_configured, scan
from cases.services.errors import CaseworkError

logger = structlog.get_logger(__name__)


class Readable(Protocol):
    """A file as a request carries it."""

    def read(self) -> bytes: ...

    def seek(self, place: int, /) -> object: ...


def require_clean(upload: Readable) -> None:
    """Raise CaseworkError unless the scanner knows nothing against the file; nothing without one.

    The file stands at its beginning afterwards. What is found stands in the log, without the name
    of the file. Where the scanner does not answer the file is not taken.
    """
    if not is_configured():
        return
    content = upload.read()
    upload.seek(0)
    try:
        scan(content)
    except Infected as error:
        logger.warning("upload_infected", found=str(error))
        raise CaseworkError(_("The virus scanner refuses this file.")) from error
    except NotScanned as error:
        logger.error("upload_not_scanned", reason=str(error))
        raise CaseworkError(
            _("The virus scanner does not answer, so the file was not taken: try again later.")
        ) from error
