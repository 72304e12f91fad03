"""Fetching a file of labels: from a folder of this machine, or from an allowed host over HTTPS.

Only hosts of FIU_LABEL_HOSTS are asked, no redirect is followed and no proxy of the environment
used; who answers for a name is looked at after connecting (S12). Nothing is sent but the request.
"""

import http.client
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from cases.gateways.connections import connected, fault_of_address

READ_SECONDS = 30.0
WHOLE_SECONDS = 600.0
MAXIMUM = 256 * 1024 * 1024
"""Bytes of one file: OFAC's largest form has some 90 MB."""
CHUNK = 1 << 20
NAME = re.compile(r"[^A-Za-z0-9._-]+")


class LabelsUnreachable(Exception):
    """The file could not be had; the message is one sentence for people."""


def check_location(location: str) -> None:
    """Raise LabelsUnreachable unless a source of this address or path may be asked at all."""
    if "://" not in location:
        _file(location)
        return
    wanted = _("Give an address that begins with https://, or a path.")
    if fault := fault_of_address(location, settings.LABEL_HOSTS, "FIU_LABEL_HOSTS", wanted):
        raise LabelsUnreachable(fault)


def fetch_labels(location: str, folder: Path) -> Path:
    """The file of a source: where it lies, or a copy of what the host sent, in `folder`.

    Raises LabelsUnreachable. Takes at most ten minutes and 256 MB.
    """
    check_location(location)
    if "://" not in location:
        return _file(location)
    parts = urlsplit(location)
    name = NAME.sub("-", parts.path.rpartition("/")[2]).strip(".-")[-100:] or "labels"
    path = folder / name
    try:
        _download(location, path)
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise LabelsUnreachable(
            _("The host does not answer: %(reason)s.") % {"reason": reason[:200]}
        ) from None
    return path


def _download(location: str, path: Path) -> None:
    parts = urlsplit(location)
    end = time.monotonic() + WHOLE_SECONDS
    with connected(parts, READ_SECONDS, WHOLE_SECONDS) as connection:
        asked = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", asked, headers={"Accept": "*/*"})
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise LabelsUnreachable(
                _("The host answers %(status)s; redirects are never followed.")
                % {"status": response.status}
            )
        size = 0
        with path.open("wb") as file:
            while part := response.read1(CHUNK):
                size += len(part)
                if size > MAXIMUM:
                    raise LabelsUnreachable(_("The file has more than 256 MB."))
                if time.monotonic() > end:
                    raise LabelsUnreachable(_("The file did not come within ten minutes."))
                file.write(part)
        if response.length:
            raise LabelsUnreachable(
                _("The file is cut off: %(n)s bytes are missing.") % {"n": response.length}
            )


def _file(location: str) -> Path:
    """A file inside the folder that is meant for them; links that lead out of it do not count."""
    folder = Path(settings.LABEL_FOLDER).resolve()
    path = (folder / location).resolve()
    if not path.is_relative_to(folder):
        raise LabelsUnreachable(
            _("Files are read from %(folder)s alone (FIU_LABEL_FOLDER).") % {"folder": folder}
        )
    return path
