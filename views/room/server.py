"""This server's room and its routes, after Streamlit's own settings."""

from __future__ import annotations

import streamlit as st
from starlette.routing import Route

from views.room.routes import Routes
from vislib.classroom import here
from vislib.classroom.addresses import is_loopback


def is_alone() -> bool:
    """Whether the server listens to this machine alone."""
    return is_loopback(st.get_option("server.address") or "0.0.0.0")


def base() -> str:
    """Where the app lies below the server's address: "" or "/app"."""
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def routes() -> list[Route]:
    """The routes beside Streamlit, of the one room of this server."""
    room = here.open_room(int(st.get_option("server.port")), alone=is_alone())
    return Routes(room, base=base()).all()
