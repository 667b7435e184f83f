"""The limit: the same graph without the platform, `graph.astream` in one process, no rows, no sockets.

Over HTTP its model is LangChain's `ChatOpenAI` as it comes, whatever the platform makes of it.

Reads questions from standard input, one JSON a line, and answers each with one line; see `Question`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
import uuid
import warnings
from contextlib import AsyncExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import django
import psutil

from bench import fake_model
from bench.answers import answer, question
from bench.numbers import in_ms


def build_plain_model(spec: Any, role: str) -> Any:
    """Stand in for `agents.chat_models.build_chat_model`: what LangChain's manual says, and the usage."""
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(model="gpt-4o-mini", stream_usage=True)


def install_model() -> None:
    """Let templates be compiled with the model to be measured. Before anything imports `agents.compiled`."""
    if os.environ["BENCH_MODEL"] == "instant":
        fake_model.install(fake_model.InstantModel)
        return
    from agents import chat_models

    chat_models.build_chat_model = build_plain_model


install_model()


@dataclass(frozen=True)
class Question:
    """What to run: so many conversations at once, so many turns each of so many tokens, with this stream mode."""

    conversations: int
    turns: int
    tokens: int
    stream_mode: str


class Listener:
    """The run's Voice, Meter and Ledger, for nobody: notes when the first piece came."""

    def __init__(self) -> None:
        self.first_token = 0.0
        self.text: list[str] = []

    def say(self, agent: str, text: str) -> None:
        self.first_token = self.first_token or time.perf_counter()
        self.text.append(text)

    async def finish_message(self, agent: str, text: str, *, role: str = "agent") -> None: ...

    async def announce_plan(self, agents: list[str]) -> None: ...

    def add(self, agent: str, model: str, usage: dict[str, Any] | None) -> None: ...


async def open_saver(url: str, resources: AsyncExitStack) -> Any:
    """Open LangGraph's own checkpointer, and let its operations have a connection each (langgraph#7259)."""
    if url.startswith("sqlite:///"):
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        file = f"{url.removeprefix('sqlite:///')}.checkpoints"
        return await resources.enter_async_context(AsyncSqliteSaver.from_conn_string(file))
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    options = {"autocommit": True, "row_factory": dict_row, "prepare_threshold": 0}
    pool: Any = AsyncConnectionPool(url, min_size=1, max_size=10, open=False, kwargs=options)
    saver = AsyncPostgresSaver(await resources.enter_async_context(pool))
    saver.lock = nullcontext()  # type: ignore[assignment]
    await saver.setup()
    return saver


class BareGraph:
    """The compiled graph with a checkpointer, and the template that it runs."""

    def __init__(self, saver: Any) -> None:
        from agents.graph.build import build_graph

        self.graph = build_graph(saver)

    async def prepare(self) -> None:
        from agents.compiled import get_compiled
        from agents.selectors import get_current_version

        self.template = get_compiled(await asyncio.to_thread(get_current_version, "ecommerce"))

    async def converse(self, asked: Question) -> list[tuple[float, float]]:
        """Return (first token, whole answer) in seconds for each turn of one conversation."""
        from django.conf import settings

        from agents.context import RunContext
        from agents.graph.state import new_turn
        from agents.saver import KeptCheckpoint
        from agents.tools import ToolContext

        thread = uuid.uuid4().hex
        config: Any = {
            "configurable": {"thread_id": thread},
            "recursion_limit": settings.RECURSION_LIMIT,
        }
        times = []
        for _ in range(asked.turns):
            began, listener, run = time.perf_counter(), Listener(), str(uuid.uuid4())
            context = RunContext(
                template=self.template,
                tool_context=ToolContext(None, thread, run, datetime.now(UTC)),
                ledger=listener,  # type: ignore[arg-type] # this conversation calls no tool
                voice=listener,  # type: ignore[arg-type]
                meter=listener,
                checkpoint=KeptCheckpoint(),  # what this saver reads is not there
            )
            async for _ in self.graph.astream(
                new_turn(run, question(asked.tokens)),
                config,
                context=context,
                stream_mode=asked.stream_mode,  # type: ignore[arg-type]
                durability="exit",
            ):
                pass
            ended = time.perf_counter()
            if "".join(listener.text) != answer(asked.tokens):
                raise RuntimeError(f"not the answer: {listener.text}")
            times.append((listener.first_token - began, ended - began))
        return times

    async def measure(self, asked: Question) -> dict[str, Any]:
        cpu, began = time.process_time(), time.perf_counter()
        conversations = (self.converse(asked) for _ in range(asked.conversations))
        times = [one for times in await asyncio.gather(*conversations) for one in times]
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        return {
            "turns": len(times),
            "turns_per_second": round(len(times) / seconds, 2),
            "latency_ms": in_ms([done for _, done in times]),
            "first_token_ms": in_ms([first for first, _ in times]),
            "cpu_ms_per_turn": {"server": round(cpu * 1000 / len(times), 3)},
            "rss_mb": round(psutil.Process().memory_info().rss / 1e6, 1),
        }


async def serve() -> None:
    async with AsyncExitStack() as resources:
        bare = BareGraph(await open_saver(os.environ["DATABASE_URL"], resources))
        await bare.prepare()
        while line := await asyncio.to_thread(sys.stdin.readline):
            measured = await bare.measure(Question(**json.loads(line)))
            print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    django.setup()
    logging.disable(logging.WARNING)
    # OpenAI's client warns of each structure that it has parsed itself.
    warnings.filterwarnings("ignore", module="pydantic")
    try:
        import uvloop

        uvloop.run(serve())  # as the web server
    except ImportError:
        asyncio.run(serve())
