"""The server as a thread of this process, with a loop of its own: its script and its requests are at hand."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import uvicorn

from tests.openai_server.answers import Answer
from tests.openai_server.app import Answerer, OpenAIApp

# uvicorn tells of each dropped connection with a traceback; dropping them is what this server is for.
OPTIONS: dict[str, Any] = {"log_config": None, "log_level": "critical", "lifespan": "off"}


class OpenAIServer:
    """A running server.

    Attributes:
        app: Its application.
        url: What OPENAI_BASE_URL is set to.
    """

    def __init__(self, answerer: Answerer | None = None) -> None:
        self.app = OpenAIApp(answerer)
        config = uvicorn.Config(self.app, host="127.0.0.1", port=0, **OPTIONS)
        self._server = uvicorn.Server(config)
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> OpenAIServer:
        self._thread.start()
        assert self._is_up.wait(10), "the server did not start"
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        return self

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._server.config.load()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        await self._server.startup()
        self._is_up.set()
        await self._server.main_loop()
        # At once: a stalled answer would hold it up.
        await self._server.shutdown()

    def stop(self) -> None:
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(5)

    def play(self, **script: Answer | list[Answer]) -> None:
        """Say what comes next: `play(router=route("orders"), agent=[fail(503), say("Here.")])`."""
        self.app.script = {
            role: list(items) if isinstance(items, list) else [items]
            for role, items in script.items()
        }

    def asked(self, role: str) -> list[dict[str, Any]]:
        """Return the requests of this role, in order."""
        from tests.openai_server.app import role_of

        return [request for request in self.app.requests if role_of(request) == role]
