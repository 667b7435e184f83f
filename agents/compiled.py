"""A template version made ready to run: models bound to their tools, once a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agents import registry
from agents.chat_models import build_chat_model, find_fallback_name, model_name, open_model
from agents.models import TemplateVersion
from agents.routing import RouteDecision
from agents.selectors import get_spec
from agents.spec import HUMAN, ROUTER, AgentSpec, TemplateSpec, ToolUse
from agents.tools import SupportTool

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

TRANSFER = "transfer_to_agent"
HANDOFF = "request_handoff"


@dataclass(frozen=True)
class Model:
    """A model made ready for one role."""

    name: str
    runnable: Runnable[Any, Any]


@dataclass(frozen=True)
class CompiledAgent:
    """One agent; its models, the fallback last, take messages and stream AIMessageChunks."""

    spec: AgentSpec
    models: tuple[Model, ...]
    tools: dict[str, SupportTool]
    uses: dict[str, ToolUse]


@dataclass(frozen=True)
class CompiledTemplate:
    """All agents of one version and their router, whose models give {"raw", "parsed", "parsing_error"}."""

    spec: TemplateSpec
    router: tuple[Model, ...]
    router_prompt: str
    agents: dict[str, CompiledAgent]


HANDOFF_SCHEMA: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": HANDOFF,
        "description": (
            "Ask for a person to take over: when the customer wants one, when no tool or agent can help, or when "
            "you have tried and it did not work. The customer is told; do not promise when the person comes."
        ),
        "parameters": {
            "type": "object",
            "properties": {
                "reason": {"type": "string", "description": "Why a person is needed, in one line."},
                "summary": {
                    "type": "string",
                    "description": (
                        "For the person: what the customer wants, what was tried and found, what is left to do. "
                        "At most five sentences."
                    ),
                },
            },
            "required": ["reason", "summary"],
            "additionalProperties": False,
        },
    },
}

MAX_KEPT = 64

_compiled: dict[tuple[int, str], CompiledTemplate] = {}


def find_compiled(version: TemplateVersion) -> CompiledTemplate | None:
    """Return a version that this process has made ready to run. No query."""
    return _compiled.get((version.pk, version.checksum))


def get_compiled(version: TemplateVersion) -> CompiledTemplate:
    """Return a version ready to run; versions are frozen, so it is made once a process."""
    compiled = find_compiled(version)
    if compiled is None:
        compiled = compile_template(get_spec(version))
        if len(_compiled) >= MAX_KEPT:
            _compiled.clear()
        _compiled[version.pk, version.checksum] = compiled
    return compiled


def compile_template(spec: TemplateSpec) -> CompiledTemplate:
    """Return a template ready to run."""
    return CompiledTemplate(
        spec=spec,
        router=_models(
            spec,
            ROUTER,
            lambda model: model.with_structured_output(RouteDecision, include_raw=True),
        ),
        router_prompt=registry.router_prompt(spec),
        agents={agent.name: _compile_agent(spec, agent) for agent in spec.agents},
    )


def _models(
    spec: TemplateSpec, role: str, prepare: Callable[[BaseChatModel], Runnable[Any, Any]]
) -> tuple[Model, ...]:
    first = Model(model_name(spec, role), prepare(build_chat_model(spec, role)))
    fallback = find_fallback_name(spec, role)
    if fallback is None:
        return (first,)
    return (first, Model(fallback, prepare(open_model(fallback))))


def _compile_agent(spec: TemplateSpec, agent: AgentSpec) -> CompiledAgent:
    tools = {use.name: registry.get_tool(use.name, spec.vertical) for use in agent.tools}
    others = [name for name in spec.agent_names if name != agent.name]
    schemas = [tool.schema() for tool in tools.values()]
    schemas += [_transfer_schema(others), HANDOFF_SCHEMA]
    return CompiledAgent(
        spec=agent,
        models=_models(spec, agent.name, lambda model: model.bind_tools(schemas)),
        tools=tools,
        uses={use.name: use for use in agent.tools},
    )


def _transfer_schema(others: list[str]) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": TRANSFER,
            "description": (
                "Give the customer's request to another agent, when it is not yours. "
                f'"{HUMAN}" is a person: only when asked for, or when no agent can help.'
            ),
            "parameters": {
                "type": "object",
                "properties": {
                    "agent": {"type": "string", "enum": others},
                    "reason": {"type": "string", "description": "What the customer still needs."},
                },
                "required": ["agent", "reason"],
                "additionalProperties": False,
            },
        },
    }
