#!/bin/bash
# Streamlit's server has Nagle's algorithm on, although asyncio switches it off.
#
# One would guess: asyncio sets TCP_NODELAY on every TCP connection, uvicorn runs on asyncio, so
#   Streamlit 1.67 on uvicorn sends what it has; a small file takes a millisecond on loopback.
# What happens: asyncio does so only where the socket says that its protocol is TCP (proto 6).
#   Streamlit opens its listening socket itself with socket.socket(family): proto 0, and what is
#   accepted has it too. Head and body of an answer are two packets, and the second waits until
#   the client acknowledges the first, which it puts off: about 40 ms a file on Linux. A browser
#   asks for a hundred files on six connections. The same application under plain uvicorn, which
#   lets asyncio open the socket, has the option on. (On CPython with uvloop the option is set.)
# Versions: streamlit 1.67.0, uvicorn 0.54.0, CPython 3.11; seen 2026-11-28.
# Why it matters here: it is most of a page's first load, and messages of a run wait likewise.
#   The option is set on the listening socket, and what is accepted inherits it
#   (views/connections.py).
#
# Run by hand, outside CI.
set -euo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --quiet "streamlit==1.67.0" "uvicorn==0.54.0"

cat > page.py <<'APP'
import asyncio
import gc
import socket

import streamlit as st
from starlette.middleware import Middleware

if __name__ == "__main__":
    st.write("page")
else:

    class Tells:
        """Answers /flag with the connection's option, and lets all else through."""

        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            if scope.get("path") != "/flag":
                await self.app(scope, receive, send)
                return
            own = next(  # this request's connection, among all that asyncio has
                each.get_extra_info("socket")
                for each in gc.get_objects()
                if isinstance(each, asyncio.Transport)
                and each.get_extra_info("peername") == tuple(scope["client"])
            )
            body = str(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)).encode()
            head = [(b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": body})

    app = st.App(__file__, middleware=[Middleware(Tells)])
APP

cat > plain.py <<'APP'
import socket
import sys

import uvicorn


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    own = send.__self__.transport.get_extra_info("socket")
    body = str(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)).encode()
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", lifespan="off")
APP

cat > look.py <<'LOOK'
import http.client
import platform
import socket
import statistics
import subprocess
import sys
import time

import streamlit
import uvicorn


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def asked(connection, path: str) -> str:
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def look(command: list[str], port: int, path: str) -> tuple[str, float]:
    """The option on an accepted connection, and the median ms of a small answer on it."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port)
                flag = asked(connection, "/flag")
                break
            except OSError:
                time.sleep(0.2)
        times = []
        for _ in range(30):
            began = time.perf_counter()
            asked(connection, path)
            times.append(1000 * (time.perf_counter() - began))
        return flag, statistics.median(times)
    finally:
        server.terminate()
        server.wait(20)


print(f"python {platform.python_version()}, streamlit {streamlit.__version__}, "
      f"uvicorn {uvicorn.__version__}")
run = [sys.executable, "-m", "streamlit", "run", "page.py", "--server.headless=true"]
port = free()
own, took = look([*run, "--server.address=127.0.0.1", f"--server.port={port}"], port, "/manifest.json")
print(f"streamlit run: TCP_NODELAY {own}, a small answer in {took:.1f} ms (median of 30)")
port = free()
plain, quick = look([sys.executable, "plain.py", str(port)], port, "/flag")
print(f"plain uvicorn: TCP_NODELAY {plain}, a small answer in {quick:.1f} ms (median of 30)")
assert own == "0", "Streamlit's connections have the option now"
assert plain != "0", "uvicorn alone has lost the option"
LOOK
venv/bin/python look.py
echo PASS
