"""How phones come in: the short address and its QR code, as this machine is reached now."""

from __future__ import annotations

import html
from urllib.parse import urlsplit

import streamlit as st

from views import frame
from vislib.classroom import addresses
from vislib.figures import qr

LOOK_SECONDS = 2.0
"""How often this machine's address is looked at while the code is shown."""
WIDTH = 260
"""Of the code, in pixels."""


def address(page: str) -> str:
    """The address of the phones' page: this machine's in its network, or the name it is opened by.

    Args:
        page: The address that this browser has open.
    """
    found = urlsplit(page)
    host, path = found.hostname or "", found.path.rpartition("/")[0]
    own = addresses.own()
    is_number = host.replace(".", "").isdigit()
    if own and (addresses.is_loopback(host) or (is_number and host not in own)):
        host = own[0]
    port = f":{found.port}" if found.port else ""
    return f"{found.scheme or 'http'}://{host}{port}{path}/room"


@st.fragment(run_every=LOOK_SECONDS)
def show() -> None:
    """Code and address; both follow when the machine's address changes."""
    found = address(st.context.url or "")
    host = urlsplit(found).hostname or ""
    st.image(qr.svg(found), width=WIDTH, alt=frame.t("lecture.join_code", address=found))
    st.html(f'<p class="join">{html.escape(found.partition("://")[2])}</p>')
    if not reaches(host):
        st.caption(frame.t("lecture.join_alone"))


def reaches(host: str) -> bool:
    """Whether phones can come to a host: the server listens to more than this machine alone."""
    listens = st.get_option("server.address") or "0.0.0.0"
    return not addresses.is_loopback(host) and not (
        addresses.is_loopback(listens) and host in addresses.own()
    )
