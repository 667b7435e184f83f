"""The nodes: classify → agent → review → tools and approval, until every agent of the plan has acted.

A resumed node starts again from its first line (FACTS), so none has effects of its own: what changes something runs in
the ledger, under a row.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langgraph.graph import END
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from agents import fault_points, tracing
from agents.compiled import HANDOFF, TRANSFER, CompiledAgent
from agents.context import Handoff, Outcome, ProposedWrite, RunContext, Status
from agents.graph import calls, history, policy
from agents.graph.state import GraphState, PlanStep, current_step, last_results, open_calls
from agents.model_faults import ModelFault
from agents.routing import RouteDecision
from agents.spec import HUMAN, ROUTER, AgentSpec, render
from agents.speech import mend, without_reasoning
from agents.tools import Refusal

MAX_STEPS = 5
MAX_TRANSFERS = 3
MAX_QUESTION_CHARS = 1_000
MAX_REQUEST_CHARS = 8_000  # no customer's message is longer
MAX_NAME_CHARS = 60
SUPPORT = "support"
MAX_REASON = 500
MAX_SUMMARY = 4_000

Ctx = Runtime[RunContext]


async def classify(
    state: GraphState, runtime: Ctx
) -> Command[Literal["agent", "review", "__end__"]]:
    """Decide who handles the message, and let the first of them act; or ask back, or answer small talk."""
    ctx = runtime.context
    prompt = SystemMessage(content=ctx.template.router_prompt)
    try:
        decision, raw = await calls.route(ctx, [prompt, *history.for_router(state["messages"])])
    except ModelFault as fault:
        ctx.meter.note_fault(fault.code)
        return await _say_ourselves(ctx, ctx.template.spec.texts.cannot_answer)
    plan = _plan(ctx, decision)
    if decision.is_ambiguous or (decision.intents and not plan):
        question = _question(ctx, decision)
        await ctx.voice.clarify(question)
        return Command(goto="__end__", update={"messages": [_kept(question, ROUTER, raw)]})
    if not plan:
        return await _small_talk(ctx, decision)
    await ctx.voice.announce_plan(list(dict.fromkeys(step["agent"] for step in plan)))
    # Here and not in the next node: that is a fifteenth of a turn less (performance.md).
    return await _act(ctx, {**state, "plan": plan, "step": 0}, {"plan": plan, "step": 0})


def _plan(ctx: RunContext, decision: RouteDecision) -> list[PlanStep]:
    """Return the steps whose agents exist, urgent ones first; a model may name others."""
    spec = ctx.template.spec
    steps = [
        PlanStep(agent=i.agent, request=_spoken(i.request)[:MAX_REQUEST_CHARS])
        for i in decision.intents
        if i.agent in spec.agent_names
    ]
    priorities = {agent.name: agent.priority for agent in spec.agents}
    steps.sort(key=lambda step: -priorities.get(step["agent"], 0))
    return steps[:MAX_STEPS]


def _question(ctx: RunContext, decision: RouteDecision) -> str:
    """Return the router's question, or ours where it has none, or one that nobody would read."""
    question = _spoken(decision.clarification_question or "")
    is_usable = 0 < len(question) <= MAX_QUESTION_CHARS
    return question if is_usable else ctx.template.spec.texts.clarify


def _spoken(text: str) -> str:
    return mend(without_reasoning(text)).strip()


def _kept(text: str, name: str, raw: AIMessage) -> AIMessage:
    kept = {k: v for k, v in raw.additional_kwargs.items() if k == "offline"}
    return AIMessage(content=text, name=name, additional_kwargs=kept)


async def _small_talk(ctx: RunContext, decision: RouteDecision) -> Command[Any]:
    spec = ctx.template.spec
    text = getattr(spec.texts, decision.other or "out_of_scope")
    topics = ", ".join(agent.label.lower() for agent in spec.agents)
    return await _say_ourselves(ctx, render(text, {"topics": topics, "company": spec.name}))


async def _say_ourselves(ctx: RunContext, text: str) -> Command[Any]:
    await ctx.voice.announce_plan([SUPPORT])
    ctx.voice.say(SUPPORT, text)
    await ctx.voice.finish_message(SUPPORT, text)
    return Command(goto="__end__", update={"messages": [AIMessage(content=text, name=SUPPORT)]})


async def agent(state: GraphState, runtime: Ctx) -> Command[Literal["agent", "review", "__end__"]]:
    """Let the current step's agent speak or call tools."""
    return await _act(runtime.context, state, {})


async def _act(ctx: RunContext, state: GraphState, update: dict[str, Any]) -> Command[Any]:
    """Let the current step's agent act; `update` is what this node has changed before."""
    step = current_step(state)
    if step["agent"] == HUMAN:
        said = await _say_for_people(ctx, ctx.template.spec.human.reply)
        return _next_step(ctx, state, {**update, "messages": [said], "outcome": "handed_off"})
    compiled = ctx.template.agents[step["agent"]]
    message = await calls.answer(
        ctx,
        step["agent"],
        _agent_messages(ctx, state, compiled.spec),
        lambda text: ctx.voice.say(step["agent"], text),
    )
    if message.text.strip():
        await ctx.voice.finish_message(step["agent"], message.text)
    update = {**update, "messages": [message]}
    if message.tool_calls:
        return Command(goto="review", update=update)
    return _next_step(ctx, state, update)


def _agent_messages(ctx: RunContext, state: GraphState, spec: AgentSpec) -> list[AnyMessage]:
    system = render(
        spec.prompt,
        {
            "company": ctx.template.spec.name,
            "customer_name": _one_line(ctx.customer_name) or "the customer",
            "language": ctx.language,
            "today": ctx.tool_context.now.date().isoformat(),
            "tone": ctx.template.spec.tone,
        },
    )
    past = history.for_agent(state["messages"])
    if len(state["plan"]) > 1:
        # The part of the message that is this agent's; a message of its own, never glued into another's text.
        part = HumanMessage(
            content=current_step(state)["request"], additional_kwargs={"part": True}
        )
        past.insert(history.start_of_step(past), part)
    return [SystemMessage(content=system), *past]


def _one_line(name: str) -> str:
    # People choose their names, and this one stands in a system text: no room for paragraphs of instructions.
    return " ".join(name.split())[:MAX_NAME_CHARS]


def _next_step(ctx: RunContext, state: GraphState, update: dict[str, Any]) -> Command[Any]:
    step = state["step"] + 1
    if ctx.stop.is_set():
        return Command(goto=END, update={**update, "outcome": "stopped"})
    if step < len(state["plan"]):
        return Command(goto="agent", update={**update, "step": step})
    return Command(goto=END, update=update)


async def review(
    state: GraphState, runtime: Ctx
) -> Command[Literal["approval", "tools", "agent", "__end__"]]:
    """Look at each call: refuse what cannot be done, prepare each write for its approval."""
    ctx = runtime.context
    compiled = ctx.template.agents[current_step(state)["agent"]]
    refusals: list[AnyMessage] = []
    proposals: dict[str, dict[str, Any]] = {}
    has_more = False
    for call in open_calls(state["messages"]):
        if call["name"] in (TRANSFER, HANDOFF):
            has_more = True
            continue
        try:
            tool = policy.check_call(compiled, call)
            if not tool.is_write:
                has_more = True
                continue
            proposed = await policy.propose(ctx, compiled, tool, call)
            policy.refuse_twin(proposed, proposals.values())
        except Refusal as refusal:
            refusals.append(await _refuse(ctx, compiled, call, refusal))
        else:
            proposals[proposed.tool_call_id] = dataclasses.asdict(proposed)
    fault_points.reach("review.after_prepare")
    update = {"messages": refusals, "proposals": proposals}
    if has_more:
        return Command(goto="tools", update=update)
    return Command(goto="approval" if proposals else "agent", update=update)


async def _refuse(
    ctx: RunContext, compiled: CompiledAgent, call: ToolCall, refusal: Refusal
) -> ToolMessage:
    call_id = call["id"] or ""
    tool = compiled.tools.get(call["name"])
    if tool is not None:  # what is no tool is the model's mistake, not the customer's business
        # Nor are arguments that the tool does not have: half a call, or what a model would like to be shown.
        args = {k: v for k, v in call["args"].items() if k in tool.args_model.model_fields}
        await ctx.voice.announce_call(compiled.spec.name, call["name"], args, call_id)
        await ctx.voice.announce_result(call["name"], call_id, "error")
    return _result(call, Outcome("error", refusal.reason))


def _result(call: ToolCall, outcome: Outcome) -> ToolMessage:
    return ToolMessage(
        content=outcome.content,
        tool_call_id=call["id"] or "",
        name=call["name"],
        status="success" if outcome.status == "ok" else "error",
        additional_kwargs={"outcome": outcome.status},
    )


async def approval(state: GraphState, runtime: Ctx) -> Command[Literal["tools"]]:
    """Pause until a row says what was decided. The value of a resume is ignored: the row decides."""
    proposals = state["proposals"]
    open_ids = [call["id"] or "" for call in open_calls(state["messages"])]
    waiting = {call_id: proposals[call_id] for call_id in open_ids if call_id in proposals}
    decisions = await runtime.context.ledger.find_decisions(list(waiting))
    if all(decisions.get(call_id, "pending") == "pending" for call_id in waiting):
        interrupt(list(waiting.values()))
    return Command(goto="tools")


async def tools(
    state: GraphState, runtime: Ctx
) -> Command[Literal["approval", "agent", "__end__"]]:
    """Run reads, and writes that were decided; give every decided call its result."""
    ctx = runtime.context
    compiled = ctx.template.agents[current_step(state)["agent"]]
    calls_now = open_calls(state["messages"])
    proposed = [call["id"] or "" for call in calls_now if call["id"] in state["proposals"]]
    decisions = await ctx.ledger.find_decisions(proposed)
    has_waiting = any(decisions.get(call_id, "pending") == "pending" for call_id in proposed)
    results: list[AnyMessage] = []
    transfer_to: str | None = None
    handoff: Handoff | None = None
    for call in calls_now:
        call_id = call["id"] or ""
        if call["name"] in (TRANSFER, HANDOFF):
            if has_waiting:
                continue  # the agent's own work is ended first
            target = None if transfer_to else _transfer_target(ctx, state, call)
            transfer_to = transfer_to or target
            handoff = handoff or (_handoff(call) if target == HUMAN else None)
            results.append(_result(call, _transfer_outcome(target)))
        elif call_id not in state["proposals"]:
            results.append(_result(call, await _read(ctx, compiled, call)))
        elif decisions.get(call_id, "pending") != "pending":
            write = ProposedWrite(**state["proposals"][call_id])
            results.append(_result(call, await _settle(ctx, compiled, write, decisions[call_id])))
    update: dict[str, Any] = {"messages": results}
    if has_waiting:
        return Command(goto="approval", update=update)
    if handoff is not None:
        update["handoff"] = dataclasses.asdict(handoff)
    if transfer_to is not None:
        return _transfer(ctx, state, transfer_to, update)
    return await _after_tools(ctx, state, update)


async def _read(ctx: RunContext, compiled: CompiledAgent, call: ToolCall) -> Outcome:
    tool = compiled.tools[call["name"]]
    call_id = call["id"] or ""
    args = tool.canonical(call["args"])
    await ctx.voice.announce_call(compiled.spec.name, tool.name, args, call_id)
    fault_points.reach("read.before")
    with tracing.tool(tool.name, call_id):
        outcome = await ctx.ledger.read(tool, args)
    fault_points.reach("read.after")
    await ctx.voice.announce_result(tool.name, call_id, outcome.status)
    return outcome


async def _settle(
    ctx: RunContext, compiled: CompiledAgent, write: ProposedWrite, decision: str
) -> Outcome:
    """Do what was approved, or say why it was not done. Its call was announced when it paused."""
    texts = ctx.template.spec.texts
    not_done: dict[str, tuple[Status, str]] = {
        "rejected": ("rejected", texts.declined),
        "expired": ("expired", texts.expired),
        "superseded": ("superseded", texts.superseded),
    }
    if decision == "approved":
        with tracing.tool(write.tool, write.tool_call_id):
            outcome = await ctx.ledger.perform(
                compiled.tools[write.tool], write.args, write.tool_call_id
            )
    else:
        status, text = not_done[decision]
        outcome = Outcome(status, text)
    await ctx.voice.announce_result(write.tool, write.tool_call_id, outcome.status)
    return outcome


async def _after_tools(ctx: RunContext, state: GraphState, update: dict[str, Any]) -> Command[Any]:
    """Let the agent word the results; what expired or was superseded has been worded already."""
    results = last_results([*state["messages"], *update["messages"]])
    outcomes = {message.additional_kwargs.get("outcome") for message in results}
    if "unknown" in outcomes:
        # In our words, not in a model's.
        said = await _say_for_people(ctx, ctx.template.spec.texts.unknown)
        update = {**update, "messages": [*update["messages"], said]}
    if ctx.stop.is_set():
        return Command(goto=END, update={**update, "outcome": "stopped"})
    if outcomes & {"ok", "error", "rejected"}:
        return Command(goto="agent", update=update)
    if "superseded" in outcomes:
        return Command(goto=END, update={**update, "outcome": "interrupted"})
    if outcomes == {"unknown"}:
        return _next_step(ctx, state, update)
    return _next_step(ctx, state, {**update, "outcome": "interrupted"})


async def _say_for_people(ctx: RunContext, text: str) -> AIMessage:
    """Tell the customer what a person will do."""
    ctx.voice.say(HUMAN, text)
    await ctx.voice.finish_message(HUMAN, text, role="system")
    return AIMessage(content=text, name=HUMAN)


def _transfer_target(ctx: RunContext, state: GraphState, call: ToolCall) -> str | None:
    """Return the agent to whom a call transfers, or None when that is not possible; a person always is."""
    if call["name"] == HANDOFF:
        return HUMAN
    target = call["args"].get("agent")
    is_possible = (
        target in ctx.template.spec.agent_names
        and target != current_step(state)["agent"]
        and state["transfers"] < MAX_TRANSFERS
    )
    return target if is_possible else None


def _handoff(call: ToolCall) -> Handoff:
    """Return what a model said in asking for a person; a transfer to one gives a reason and no more."""
    reason, summary = (str(call["args"].get(key) or "") for key in ("reason", "summary"))
    return Handoff(reason[:MAX_REASON], (summary or reason)[:MAX_SUMMARY])


def _transfer_outcome(target: str | None) -> Outcome:
    if target is None:
        return Outcome(
            "error", "This transfer is not possible. Answer as well as you can yourself."
        )
    return Outcome("ok", json.dumps({"transferred_to": target}))


def _transfer(
    ctx: RunContext, state: GraphState, target: str, update: dict[str, Any]
) -> Command[Any]:
    at = state["step"] + 1
    step = PlanStep(agent=target, request=current_step(state)["request"])
    plan = [*state["plan"][:at], step, *state["plan"][at:]]
    return _next_step(
        ctx, {**state, "plan": plan}, {**update, "plan": plan, "transfers": state["transfers"] + 1}
    )
