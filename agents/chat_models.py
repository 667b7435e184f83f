"""Which language model answers: any OpenAI-compatible API, or the offline model when neither key nor URL is set."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from agents.prices import OFFLINE_MODEL
from agents.spec import ROUTER, TemplateSpec

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


def model_name(spec: TemplateSpec, role: str) -> str:
    """Return the name of the model that the router or an agent of this template uses."""
    if settings.USES_OFFLINE_MODEL:
        return OFFLINE_MODEL
    if role == ROUTER:
        return spec.router_model or spec.model or settings.LLM_MODEL
    return spec.agent(role).model or spec.model or settings.LLM_MODEL


def find_fallback_name(spec: TemplateSpec, role: str) -> str | None:
    """Return the name of the model that is asked after the router's or an agent's own; None when there is none."""
    if settings.USES_OFFLINE_MODEL:
        return None
    name = spec.fallback_model or settings.LLM_FALLBACK_MODEL
    return None if name == model_name(spec, role) else name


def build_chat_model(spec: TemplateSpec, role: str) -> BaseChatModel:
    """Return the model for the router or an agent.

    Args:
        spec: The template.
        role: "router" or an agent's name.
    """
    if settings.USES_OFFLINE_MODEL:
        from agents.offline.model import OfflineChatModel

        return OfflineChatModel(template=spec, role=role, cache_dir=settings.DATA_DIR / "offline")
    return open_model(model_name(spec, role))


@cache
def open_model(name: str) -> BaseChatModel:
    """Return a model of the API that is configured."""
    from agents.open_ai import CarefulChatOpenAI

    options: dict[str, Any] = {
        "model": name,
        # A local server wants no key, the client wants one.
        "api_key": settings.OPENAI_API_KEY or "none",
        "timeout": settings.LLM_TIMEOUT_SECONDS,
        "max_retries": 0,  # the graph tries twice, and only while nothing has been said
        "stream_usage": True,
    }
    if settings.OPENAI_BASE_URL:
        options["base_url"] = settings.OPENAI_BASE_URL
    return CarefulChatOpenAI(**options)


async def close_models() -> None:
    """Close this event loop's connections; models are opened anew, with other settings."""
    from agents.model_http import close_session

    await close_session()
    open_model.cache_clear()
