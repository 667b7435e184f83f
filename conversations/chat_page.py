"""What the customer's pages show of a template. Only what a customer may read leaves the server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.conf import settings

from agents.selectors import get_current_version, get_spec, list_templates
from agents.spec import HUMAN, TemplateSpec, render

MAX_SUGGESTIONS = 6
SUGGESTIONS_EACH = 2
QUESTIONS_ON_CARD = 3
SOCKET_PATH = "/ws/chat/"
_BREAK_INSIDE_PARAGRAPH = re.compile(r"(?<!\n)\n(?!\s|[-*•]\s|\d+[.)]\s)")


@dataclass(frozen=True)
class Card:
    """One vertical on the home page."""

    slug: str
    name: str
    tagline: str
    topics: list[str]
    questions: list[str]


def list_cards() -> list[Card]:
    """Return a card for each template that a conversation can begin with, by slug."""
    cards = []
    for template in list_templates():
        if template.current_version is None:
            continue
        spec = get_spec(template.current_version)
        topics = [agent.label for agent in spec.agents]
        questions = _suggest(spec)[:QUESTIONS_ON_CARD]
        cards.append(Card(template.slug, spec.name, spec.tagline or "", topics, questions))
    return cards


def get_chat_config(slug: str, *, now: datetime) -> dict[str, Any]:
    """Return what the chat's script needs to know, as JSON values.

    Args:
        slug: The template's.
        now: Aware time of this answer: the script measures the browser's clock against it.

    Returns:
        Labels, questions and words of the template; nothing of prompts, policies or models.

    Raises:
        AgentTemplate.DoesNotExist: No template of that slug has been published.
    """
    spec = get_spec(get_current_version(slug))
    return {
        "slug": slug,
        "name": spec.name,
        "tagline": spec.tagline or "",
        "greeting": _unwrap(render(spec.greeting, {"company": spec.name})),
        "agents": {
            **{agent.name: agent.label for agent in spec.agents},
            HUMAN: "a person",
            "support": spec.name,
        },
        "doing": {
            tool.name: tool.doing for agent in spec.agents for tool in agent.tools if tool.doing
        },
        "suggested_questions": _suggest(spec),
        "languages": spec.languages,
        "offline": settings.USES_OFFLINE_MODEL,
        "demo": settings.DEMO_MODE,
        "ws_path": SOCKET_PATH,
        "max_content_chars": settings.MAX_CONTENT_CHARS,
        "now": now.isoformat(),
    }


def _unwrap(text: str) -> str:
    """Join the lines of each paragraph: where a YAML file breaks them means nothing. Lists stay."""
    return _BREAK_INSIDE_PARAGRAPH.sub(" ", text)


def _suggest(spec: TemplateSpec) -> list[str]:
    """Take each agent's first question before any agent's second, so that all of them are seen."""
    firsts = [agent.suggested_questions[:1] for agent in spec.agents]
    seconds = [agent.suggested_questions[1:SUGGESTIONS_EACH] for agent in spec.agents]
    return list(dict.fromkeys(chain.from_iterable(firsts + seconds)))[:MAX_SUGGESTIONS]
