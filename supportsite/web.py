"""The web server with the options that were measured to be right: `python -m supportsite.web --port 8000`."""

from __future__ import annotations

import argparse
import os
import resource
import socket
from typing import Any

import uvicorn

APPLICATION = "supportsite.asgi:application"
MAX_OPEN_FILES = 65_536

# uvicorn blocks a sender whose reader is slow, where daphne fills memory; sansio is the cheapest of its
# protocols; deflate doubles to quadruples the memory of a socket. All measured, see docs/adr.
OPTIONS: dict[str, Any] = {
    "loop": "auto",  # uvloop where it is installed
    "ws": "websockets-sansio",
    # Above the protocol's 32 768 bytes by far: up to here a frame is answered with an error and the socket stays.
    "ws_max_size": 1_048_576,
    "ws_per_message_deflate": False,
    "timeout_graceful_shutdown": 1,
    "lifespan": "auto",
    "access_log": False,  # paths of sockets carry tokens
    "server_header": False,
    "log_config": None,  # settings.LOGGING covers it
}


def allow_many_sockets() -> None:
    """Raise the limit of open files as far as it goes: containers often start with 1 024, and each socket is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m supportsite.web")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--forwarded-allow-ips",
        help="proxies whose X-Forwarded-* headers are believed; '*' for all",
    )
    parser.add_argument("--fd", type=int, help="a listening socket to use instead of host and port")
    parser.add_argument("--gate-fd", type=int, help="a pipe: import now, serve when it is closed")
    options = parser.parse_args()
    config = uvicorn.Config(
        APPLICATION,
        host=options.host,
        port=options.port,
        forwarded_allow_ips=options.forwarded_allow_ips,
        **OPTIONS,
    )
    sockets = None if options.fd is None else [socket.socket(fileno=options.fd)]
    allow_many_sockets()
    if options.gate_fd is not None:
        config.load()
        os.read(options.gate_fd, 1)
    uvicorn.Server(config).run(sockets)


if __name__ == "__main__":
    main()
