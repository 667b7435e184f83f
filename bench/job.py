"""What the platform is asked to do, for a handler that does it without the platform: the shop's prompts and tools."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SLUG = "ecommerce"


@dataclass(frozen=True)
class Agent:
    """An agent's system text, and its tools as OpenAI's API takes them."""

    prompt: str
    tools: list[dict[str, Any]]


@dataclass(frozen=True)
class Job:
    """The router's system text, and the agents by name."""

    router_prompt: str
    agents: dict[str, Agent]


def read_job() -> Job:
    """Return the job of the shipped template; Django has to be set up."""
    from agents import registry
    from agents.loading import read_template
    from agents.spec import AgentSpec, render

    file = next(one for one in registry.list_template_files() if one.label == SLUG)
    spec = read_template(file.path, source=file.source)
    values = {
        "company": spec.name,
        "customer_name": "the customer",
        "language": "English",
        "today": datetime.now(UTC).date().isoformat(),
        "tone": spec.tone,
    }

    def read_agent(agent: AgentSpec) -> Agent:
        tools = [registry.get_tool(use.name, file.label).schema() for use in agent.tools]
        return Agent(render(agent.prompt, values), tools)

    return Job(
        registry.router_prompt(spec), {agent.name: read_agent(agent) for agent in spec.agents}
    )
