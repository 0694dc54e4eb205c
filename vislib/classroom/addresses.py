"""This machine's addresses in its networks, as they are at the moment."""

from __future__ import annotations

import ipaddress
import socket

NOWHERE = ("10.255.255.255", 1)
"""An address of private networks; a way there is looked up, and nothing is sent."""


def own() -> list[str]:
    """IPv4 addresses that others can reach, the one of the default route first; may be empty."""
    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
            found.append(probe.getsockname()[0])
        except OSError:
            pass  # no network
    try:
        found += socket.gethostbyname_ex(socket.gethostname())[2]
    except OSError:
        pass
    away = (one for one in dict.fromkeys(found) if not is_loopback(one))
    return [one for one in away if one != "0.0.0.0" and not one.startswith("169.254.")]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone, by its name or number (an IPv6 one in brackets)."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
