"""Whether the machine that a connection really reached may be one that we meant (S12).

A name is allowed by configuration, but who answers for it decides the DNS: a name of the world that
suddenly leads into our own network is not the host that was configured. So the address is looked at
after connecting, where nothing can change any more, and before the first question is sent.
"""

import ipaddress
import socket

from django.conf import settings

LOCAL = ("localhost", "local", "localdomain", "internal", "lan", "home.arpa")


class PeerRefused(ConnectionError):
    """A configured name led to an address where such a host does not lie."""


def require_peer(host: str, connection: socket.socket) -> None:
    """Raise PeerRefused, in words, unless `host` may lie at the address that was connected to.

    Never: link-local addresses, where clouds keep their secrets, and those of groups or of nobody.
    An address of a private network or of this machine: for a host given as an address, for a name
    without a dot or of a local domain, and for those of `FIU_PRIVATE_HOSTS`.
    """
    peer = connection.getpeername()[0].partition("%")[0]
    if not may_lie_at(host, peer):
        raise PeerRefused(f"{host} leads to {peer}, where it may not lie (FIU_PRIVATE_HOSTS)")


def may_lie_at(host: str, peer: str) -> bool:
    """The rule of `require_peer`, of two texts."""
    address = ipaddress.ip_address(peer)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return address.is_global or _is_of_ours(host.lower().rstrip("."))


def _is_of_ours(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        is_local = "." not in host or host.endswith(tuple(f".{each}" for each in LOCAL))
        return is_local or host in {each.lower() for each in settings.PRIVATE_HOSTS}
    return True
