"""The graph. Its shape is the same for every template, so one compiled graph serves them all."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.context import RunContext
from agents.graph import nodes
from agents.graph.state import GraphState


def build_graph(
    saver: BaseCheckpointSaver[Any] | None,
) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    """Return the compiled graph; which agents act is in the run's context, not in the graph."""
    graph = StateGraph(GraphState, context_schema=RunContext)
    for node in (nodes.classify, nodes.agent, nodes.review, nodes.approval, nodes.tools):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "classify")
    return graph.compile(checkpointer=saver)
