"""The only door to LangGraph: start a turn, resume one, look at what is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connection

from agents.context import Handoff, Heard, ProposedWrite, RunContext
from agents.errors import ModelFailed

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph
    from psycopg import AsyncConnection

SETUP_LOCK = 0x5A47  # any number that nobody else uses as a PostgreSQL advisory lock
SETUP_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class TurnEnd:
    """Where the graph stands: waiting for these writes, or through, with an outcome.

    Attributes:
        handoff: What an agent said who asked for a person.
    """

    waiting: list[ProposedWrite]
    outcome: str
    handoff: Handoff | None = None


@dataclass(frozen=True)
class Snapshot:
    """What the last checkpoint says.

    Attributes:
        message_id: The customer's message that it belongs to; None when there is no checkpoint.
        end: Where the graph stands; None when it is neither waiting nor through, and has to go on.
        said: What agents have said since that message: (agent, text), in order.
    """

    message_id: str | None
    end: TurnEnd | None
    said: list[tuple[str, str]]


class Engine:
    """One compiled graph with its checkpointer, for one event loop."""

    def __init__(self, saver: BaseCheckpointSaver[str], resources: AsyncExitStack) -> None:
        from agents.graph.build import build_graph

        self._graph: CompiledStateGraph[Any, RunContext, Any, Any] = build_graph(saver)
        self._saver = saver
        self._resources = resources

    async def start(
        self,
        ctx: RunContext,
        thread: str,
        message_id: str,
        text: str,
        heard: Sequence[Heard] = (),
    ) -> TurnEnd:
        """Run the graph for a customer's message, to its end or to a pause.

        Args:
            ctx: The run.
            thread: The conversation.
            message_id: The message's.
            text: What the customer says.
            heard: What was said before it while a person had the conversation.
        """
        from agents.graph.state import new_turn

        return await self._run(ctx, thread, new_turn(message_id, text, heard))

    async def resume(self, ctx: RunContext, thread: str) -> TurnEnd:
        """Go on from the last checkpoint. Nodes look at rows, so there is no value to resume with."""
        return await self._run(ctx, thread, None)

    async def _run(self, ctx: RunContext, thread: str, given: Any) -> TurnEnd:
        # "exit": a run that only reads may be run again after a crash; a write is preceded by a pause, and
        # what was decided before a pause is saved with it (ARCHITECTURE, "Durable where it counts").
        from langgraph.errors import GraphRecursionError

        try:
            values = await self._graph.ainvoke(
                given, _config(thread, ctx), context=ctx, durability="exit"
            )
        except GraphRecursionError as error:
            raise ModelFailed(
                f"the agents came to no end within {settings.RECURSION_LIMIT} steps", "model_looped"
            ) from error
        if "__interrupt__" in values:
            # The stream tells of an interrupt before it is durable; the state does not (FACTS).
            snapshot = await self._graph.aget_state(_config(thread))
            return TurnEnd(_waiting(snapshot.interrupts), "")
        return _through(values)

    async def peek(self, thread: str) -> Snapshot:
        """Return what the last checkpoint says, for a run whose process has died."""
        from langchain_core.messages import AIMessage, HumanMessage

        state = await self._graph.aget_state(_config(thread))
        messages = state.values.get("messages", [])
        message_id: str | None = None
        said: list[tuple[str, str]] = []
        for message in messages:
            if isinstance(message, HumanMessage):
                message_id, said = message.id, []
            elif isinstance(message, AIMessage) and message.text.strip():
                said.append((message.name or "", str(message.text)))
        end = None
        if state.interrupts:
            end = TurnEnd(_waiting(state.interrupts), "")
        elif not state.next:
            end = _through(state.values)
        return Snapshot(message_id, end, said)

    async def forget(self, thread: str) -> None:
        """Delete a conversation's checkpoints."""
        await self._saver.adelete_thread(thread)

    async def peek_nothing(self) -> None:
        """Ask the checkpointer for a thread that does not exist, to see whether it answers."""
        await self._saver.aget_tuple(_config("health"))

    async def close(self) -> None:
        await self._resources.aclose()


def _config(thread: str, ctx: RunContext | None = None) -> RunnableConfig:
    configurable: dict[str, Any] = {"thread_id": thread}
    if ctx is not None:
        configurable["is_held"] = ctx.is_held
    return {"configurable": configurable, "recursion_limit": settings.RECURSION_LIMIT}


def _through(values: dict[str, Any]) -> TurnEnd:
    handoff = values.get("handoff")
    return TurnEnd([], values.get("outcome", "completed"), Handoff(**handoff) if handoff else None)


def _waiting(interrupts: tuple[Any, ...]) -> list[ProposedWrite]:
    return [ProposedWrite(**value) for interrupt in interrupts for value in interrupt.value]


async def _open_saver(resources: AsyncExitStack) -> BaseCheckpointSaver[str]:
    if connection.vendor == "postgresql":
        return await _open_postgres_saver(resources)
    import aiosqlite

    from agents.savers.sqlite import SqliteSaver

    settings.CHECKPOINT_FILE.parent.mkdir(parents=True, exist_ok=True)
    conn = await resources.enter_async_context(
        aiosqlite.connect(settings.CHECKPOINT_FILE, timeout=20)
    )
    await conn.execute("PRAGMA journal_mode=WAL")
    await conn.execute("PRAGMA synchronous=NORMAL")
    saver = SqliteSaver(conn)
    await saver.setup()
    return saver


async def _open_postgres_saver(resources: AsyncExitStack) -> BaseCheckpointSaver[str]:
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    from agents.savers.postgres import PostgresSaver

    pool: AsyncConnectionPool[AsyncConnection[dict[str, Any]]] = AsyncConnectionPool(
        _postgres_conninfo(),
        min_size=1,
        max_size=10,
        open=False,
        kwargs={
            "autocommit": True,
            "row_factory": dict_row,
            # A statement prepared at once saves its plan; behind a pooler the next one meets another session.
            "prepare_threshold": None if settings.DATABASE_IS_POOLED else 0,
        },
    )
    await resources.enter_async_context(pool)
    saver = PostgresSaver(pool)
    # Its migrations cannot run in two processes at once. Behind pgbouncer a session's lock might never be given back.
    async with pool.connection() as conn, conn.transaction():
        while not await _has_got_lock(conn):  # noqa: ASYNC110 - another process has it
            await asyncio.sleep(SETUP_LOOK_SECONDS)
        await saver.setup()
    return saver


async def _has_got_lock(conn: AsyncConnection[dict[str, Any]]) -> bool:
    """Try to get the lock, and keep no snapshot: CREATE INDEX CONCURRENTLY would wait for it, and for ever.

    A statement that waits keeps one, and so does one with parameters, or prepared, until the next (tried on 15).
    """
    statement = f"SELECT pg_try_advisory_xact_lock({SETUP_LOCK}) AS got".encode()
    row = await (await conn.execute(statement, prepare=False)).fetchone()
    return row is not None and bool(row["got"])


def _postgres_conninfo() -> str:
    from psycopg.conninfo import make_conninfo

    # From the live settings and not from DATABASE_URL, so that tests reach the test database.
    config = connection.settings_dict
    parts = {
        "host": "HOST",
        "port": "PORT",
        "dbname": "NAME",
        "user": "USER",
        "password": "PASSWORD",
    }
    return make_conninfo(**{key: config[name] for key, name in parts.items() if config[name]})


_engines: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[Engine]] = WeakKeyDictionary()


async def _open_engine() -> Engine:
    resources = AsyncExitStack()
    return Engine(await _open_saver(resources), resources)


async def get_engine() -> Engine:
    """Return this event loop's engine; savers and clients belong to the loop that made them."""
    loop = asyncio.get_running_loop()
    opening = _engines.get(loop)
    if opening is None or (opening.done() and (opening.cancelled() or opening.exception())):
        opening = _engines[loop] = asyncio.ensure_future(_open_engine())
    return await asyncio.shield(opening)


async def ask_checkpointer() -> bool:
    """Raise when this event loop's checkpointer does not answer; return False when none is open yet."""
    opening = _engines.get(asyncio.get_running_loop())
    if opening is None or not opening.done():
        return False
    engine = await get_engine()  # anew, if it could not be opened
    await engine.peek_nothing()
    return True


async def close_engine() -> None:
    """Close this event loop's engine, if it was opened."""
    opening = _engines.pop(asyncio.get_running_loop(), None)
    if opening is not None:
        await (await opening).close()
