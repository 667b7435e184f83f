"""The same job without the platform: a FastAPI handler as one writes it from the manuals. `python -m bench.handler`

A WebSocket endpoint (FastAPI's manual), a graph that classifies and then answers, its message stream passed on token
by token, and a checkpoint of the conversation (LangGraph's manual), `ChatOpenAI` as it comes (LangChain's), on uvicorn
with uvloop. Nothing is slower than it has to be, and what the manuals leave open is decided in its favour:

- prompts, tools and the routing schema are the platform's, read and filled in once;
- models, tools, graph and saver are made once; the saver is the manual's, `from_conn_string` and `setup`;
- durability is LangGraph's default, "async", which does not wait for the database between steps;
- it stores the checkpoint and nothing else: no messages, runs, usage or events, and no identity;
- nothing but tokens and the end is sent; whoever comes back starts to read from nothing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import django
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import SystemMessage
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.routing import RouteDecision
from bench.fake_model import InstantModel
from bench.job import Job, read_job


class State(MessagesState):
    agent: str


def build_graph(
    job: Job, router: BaseChatModel, model: BaseChatModel, saver: BaseCheckpointSaver[str]
) -> CompiledStateGraph[Any, Any, Any, Any]:
    decide = router.with_structured_output(RouteDecision)
    agents = {name: model.bind_tools(agent.tools) for name, agent in job.agents.items()}

    async def classify(state: State) -> dict[str, Any]:
        decision: Any = await decide.ainvoke([SystemMessage(job.router_prompt), *state["messages"]])
        return {"agent": decision.intents[0].agent}

    async def answer(state: State) -> dict[str, Any]:
        name = state["agent"]
        system = SystemMessage(job.agents[name].prompt)
        return {"messages": [await agents[name].ainvoke([system, *state["messages"]])]}

    graph = StateGraph(State)
    graph.add_node("classify", classify)
    graph.add_node("answer", answer)
    graph.add_edge(START, "classify")
    graph.add_edge("classify", "answer")
    graph.add_edge("answer", END)
    return graph.compile(checkpointer=saver)


def open_models(job: Job) -> tuple[BaseChatModel, BaseChatModel]:
    """Return the router's model and the agents'."""
    if os.environ["BENCH_MODEL"] == "instant":
        first_agent = next(iter(job.agents))
        return (
            InstantModel(role="router", first_agent=first_agent),
            InstantModel(role="agent", first_agent=first_agent),
        )
    model = ChatOpenAI(model="gpt-4o-mini")
    return model, model


def open_saver(url: str) -> AbstractAsyncContextManager[Any]:
    if url.startswith("sqlite:///"):
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

        return AsyncSqliteSaver.from_conn_string(f"{url.removeprefix('sqlite:///')}.checkpoints")
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    return AsyncPostgresSaver.from_conn_string(url)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    job = read_job()
    async with open_saver(os.environ["DATABASE_URL"]) as saver:
        await saver.setup()
        app.state.graph = build_graph(job, *open_models(job), saver)
        yield


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws/chat/")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await reply(websocket, await websocket.receive_json())
    except WebSocketDisconnect:
        pass


async def reply(websocket: WebSocket, message: dict[str, str]) -> None:
    config = {"configurable": {"thread_id": message["thread_id"]}}
    given = {"messages": [("user", message["content"])]}
    stream = websocket.app.state.graph.astream(given, config, stream_mode="messages")
    async for chunk, metadata in stream:
        if chunk.content and metadata["langgraph_node"] == "answer":
            await websocket.send_json({"type": "token", "content": chunk.content})
    await websocket.send_json({"type": "message_complete", "status": "completed"})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.handler")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    django.setup()  # for the template's prompts and tools
    uvicorn.run(app, port=options.port, loop="uvloop", log_level="warning")


if __name__ == "__main__":
    main()
