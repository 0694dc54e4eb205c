"""Every connection sends at once what it has.

Streamlit opens its listening socket without naming the protocol, and asyncio switches Nagle's
algorithm off only where it is named. So a small packet after another waits until the browser has
said that it has the first, which browsers put off: 40 ms for a file, and for a run's messages.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def at_once(_app: object) -> AsyncIterator[None]:
    """Lifespan of the server: the socket that it is about to listen on waits for nothing.

    What is accepted inherits the listening socket's option.
    """
    loop: Any = asyncio.get_running_loop()
    listen = loop.create_server

    async def create_server(*args: Any, sock: socket.socket | None = None, **named: Any) -> Any:
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return await listen(*args, sock=sock, **named)

    loop.create_server = create_server
    try:
        yield
    finally:
        loop.create_server = listen
