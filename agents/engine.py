"""The only door to LangGraph: start a turn, or resume one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from agents.context import Handoff, Heard, ProposedWrite, RunContext
from agents.errors import ModelFailed

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph


@dataclass(frozen=True)
class TurnEnd:
    """Where the graph stands: waiting for these writes, or through, with an outcome.

    Attributes:
        handoff: What an agent said who asked for a person.
    """

    waiting: list[ProposedWrite]
    outcome: str
    handoff: Handoff | None = None


class Engine:
    """The compiled graph. Where it stands in the end, the run's checkpoint knows; nothing is written here."""

    def __init__(self) -> None:
        from agents.graph.build import build_graph
        from agents.saver import RunSaver

        self._graph: CompiledStateGraph[Any, RunContext, Any, Any] = build_graph(RunSaver())

    async def start(
        self, ctx: RunContext, message_id: str, text: str, heard: Sequence[Heard] = ()
    ) -> TurnEnd:
        """Run the graph for a customer's message, to its end or to a pause.

        Args:
            ctx: The run.
            message_id: The message's.
            text: What the customer says.
            heard: What was said before it while a person had the conversation.
        """
        from agents.graph.state import new_turn

        return await self._run(ctx, new_turn(message_id, text, heard))

    async def resume(self, ctx: RunContext) -> TurnEnd:
        """Go on from the run's checkpoint. Nodes look at rows, so there is no value to resume with."""
        return await self._run(ctx, None)

    def count_said(self, ctx: RunContext, message_id: str) -> int:
        """Return how many messages of the agents follow the customer's in the run's checkpoint."""
        from agents.graph.state import count_said

        found = ctx.checkpoint.read()
        messages = found[0]["channel_values"].get("messages", []) if found else []
        return count_said(messages, message_id)

    async def _run(self, ctx: RunContext, given: Any) -> TurnEnd:
        # "exit": a run that only reads may be run again after a crash; a write is preceded by a pause, and
        # what was decided before a pause is saved with it (docs/adr/0004).
        from langgraph.errors import GraphRecursionError

        try:
            values = await self._graph.ainvoke(given, _config(ctx), context=ctx, durability="exit")
        except GraphRecursionError as error:
            raise ModelFailed(
                f"the agents came to no end within {settings.RECURSION_LIMIT} steps", "model_looped"
            ) from error
        if interrupts := values.get("__interrupt__"):
            writes = [ProposedWrite(**write) for one in interrupts for write in one.value]
            return TurnEnd(writes, "")
        handoff = values.get("handoff")
        return TurnEnd(
            [], values.get("outcome", "completed"), Handoff(**handoff) if handoff else None
        )


def _config(ctx: RunContext) -> RunnableConfig:
    from agents.saver import KEPT

    return {
        "configurable": {"thread_id": ctx.tool_context.thread_id, KEPT: ctx.checkpoint},
        "recursion_limit": settings.RECURSION_LIMIT,
    }


_engine: Engine | None = None


def find_engine() -> Engine | None:
    """Return this process's engine, if it is made. At once."""
    return _engine


def get_engine() -> Engine:
    """Return this process's engine. The first call imports LangGraph, which takes seconds."""
    global _engine
    _engine = _engine or Engine()
    return _engine
