"""The web server with the options that were measured to be right: `python -m supportsite.web --port 8000`."""

from __future__ import annotations

import argparse
import socket
from typing import Any

import uvicorn

APPLICATION = "supportsite.asgi:application"

# uvicorn blocks a sender whose reader is slow, where daphne fills memory; sansio is the cheapest of its
# protocols; deflate doubles to quadruples the memory of a socket. All measured, see docs/adr.
OPTIONS: dict[str, Any] = {
    "loop": "auto",  # uvloop where it is installed
    "ws": "websockets-sansio",
    "ws_max_size": 65_536,
    "ws_per_message_deflate": False,
    "timeout_graceful_shutdown": 3,
    "lifespan": "auto",
    "access_log": False,  # paths of sockets carry tokens
    "server_header": False,
    "log_config": None,  # settings.LOGGING covers it
}


def serve(*, host: str, port: int, fd: int | None, forwarded_allow_ips: str | None = None) -> None:
    """Serve the site until SIGTERM or Ctrl-C.

    Args:
        host: Address to listen on.
        port: Its port.
        fd: A listening socket, inherited from the process that bound it; `host` and `port` are then unused.
        forwarded_allow_ips: Proxies whose X-Forwarded-* headers are believed, with commas; "*" for all.
    """
    config = uvicorn.Config(
        APPLICATION, host=host, port=port, forwarded_allow_ips=forwarded_allow_ips, **OPTIONS
    )
    uvicorn.Server(config).run([socket.socket(fileno=fd)] if fd is not None else None)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m supportsite.web")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--fd", type=int)
    parser.add_argument("--forwarded-allow-ips")
    serve(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
