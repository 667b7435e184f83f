"""The offline model behind the server: sensible answers over the real protocol.

The offline model notes what it asked in its own messages, and OpenAI's protocol has no place for such notes. So this
side remembers them by what identifies a message there: its text, or the ids of its tool calls.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    convert_to_messages,
)

from agents.compiled import TRANSFER
from agents.loading import read_template
from agents.offline.model import OfflineChatModel, warm_up
from agents.registry import list_template_files
from agents.routing import RouteDecision
from agents.spec import ROUTER, TemplateSpec
from tests.openai_server.answers import Answer, Call
from tests.openai_server.app import role_of

KEPT = 10_000


def read_shipped(slug: str) -> TemplateSpec:
    """Return the template of that name, of those that the installed verticals bring."""
    for file in list_template_files():
        spec = read_template(file.path, source=file.source)
        if spec.slug == slug:
            return spec.model_copy(update={"vertical": file.label})
    raise LookupError(f"no vertical brings a template {slug!r}")


class OfflineAnswerer:
    """Answers requests for one template, once it has learned it."""

    def __init__(self, template: TemplateSpec, cache_dir: Path) -> None:
        warm_up(template, cache_dir)
        self._template = template
        self._cache_dir = cache_dir
        self._notes: OrderedDict[str, Any] = OrderedDict()

    async def __call__(self, request: dict[str, Any]) -> Answer:
        role = self._role(request)
        messages = self._restore(convert_to_messages(request["messages"]))
        model = OfflineChatModel(template=self._template, role=role, cache_dir=self._cache_dir)
        tools = request.get("tools") or []
        answer = await asyncio.to_thread(model._answer, messages, tools)
        return self._route(answer) if role == ROUTER else self._speak(answer)

    def _role(self, request: dict[str, Any]) -> str:
        if role_of(request) == "router":
            return ROUTER
        functions = {tool["function"]["name"]: tool["function"] for tool in request["tools"]}
        # An agent can transfer to all but itself.
        others = functions[TRANSFER]["parameters"]["properties"]["agent"]["enum"]
        [own] = set(self._template.agent_names) - set(others)
        return own

    # --- notes ---

    def _note(self, key: str, message: AIMessage) -> None:
        if "offline" in message.additional_kwargs:
            self._notes[key] = message.additional_kwargs["offline"]
            self._notes.move_to_end(key)
            if len(self._notes) > KEPT:
                self._notes.popitem(last=False)

    def _restore(self, messages: list[BaseMessage]) -> list[BaseMessage]:
        """Give the messages back what the protocol does not carry."""
        whole = ""
        for message in messages:
            if isinstance(message, HumanMessage):
                # The platform puts an agent's part of a message, in the customer's words, behind the message.
                is_part = message is messages[-1] or message.text != whole
                if whole and is_part and message.text.strip() in whole:
                    message.additional_kwargs["part"] = True
                else:
                    whole = message.text
            elif isinstance(message, AIMessage):
                keys = [call["id"] for call in message.tool_calls] or [message.text]
                if keys[0] in self._notes:
                    message.additional_kwargs["offline"] = self._notes[keys[0]]
            elif isinstance(message, ToolMessage):
                outcome = self._outcome(message.text)
                message.additional_kwargs["outcome"] = outcome
                message.status = "success" if outcome == "ok" else "error"
        return messages

    def _outcome(self, text: str) -> str:
        texts = self._template.texts
        sentences = {
            texts.declined: "rejected",
            texts.expired: "expired",
            texts.superseded: "superseded",
        }
        return sentences.get(text) or ("ok" if text[:1] in ("{", "[") else "error")

    # --- answers ---

    def _route(self, answer: AIMessage) -> Answer:
        decision = RouteDecision.model_validate_json(answer.text)
        question = decision.clarification_question or self._template.texts.clarify
        self._note(question, answer)
        return Answer(structure=decision.model_dump())

    def _speak(self, answer: AIMessage) -> Answer:
        calls = [
            Call(name=call["name"], arguments=json.dumps(call["args"]), id=call["id"] or "")
            for call in answer.tool_calls
        ]
        for key in [call.id for call in calls] or [answer.text]:
            self._note(key, answer)
        return Answer(text=answer.text, calls=calls)
