"""`python -m tests.openai_server`: the server as a process; it prints its address once it serves."""

from __future__ import annotations

import argparse
import os
import socket
import sys

import uvicorn

from tests.openai_server.app import Answerer, OpenAIApp
from tests.openai_server.server import OPTIONS
from tests.openai_server.simple import answer_simply


def _answer_offline(slug: str) -> Answerer:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportsite.settings")
    import django

    django.setup()
    from django.conf import settings

    from tests.openai_server.offline import OfflineAnswerer, read_shipped

    return OfflineAnswerer(read_shipped(slug), settings.DATA_DIR / "offline")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.openai_server")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--offline", metavar="TEMPLATE", help="let the offline model answer")
    parser.add_argument("--route", metavar="AGENT", help="send every message to this agent")
    parser.add_argument("--words", type=int, default=50, help="with --route: how much it says")
    parser.add_argument("--ms-a-word", type=float, default=0, help="with --route: how slowly")
    options = parser.parse_args()
    answerer: Answerer | None = None
    if options.offline:
        answerer = _answer_offline(options.offline)
    elif options.route:
        answerer = answer_simply(options.route, words=options.words, ms_a_word=options.ms_a_word)
    listener = socket.create_server(("127.0.0.1", options.port), backlog=1024)
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}/v1\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(OpenAIApp(answerer), **OPTIONS)).run([listener])


if __name__ == "__main__":
    main()
