"""A hostile model's answers, from YAML to what a model's stream gives.

- "…": a text
- {tool: {argument: value}}: a call; `id` beside the tool chooses its id, `times` repeats it in the same answer
- {tool: "…"}: a call whose arguments are that text, JSON or not
- […]: texts and calls in one answer
- {text: "…", message_id: "…"}: a text under an id of the model's choice

In texts and ids "⟨A×9⟩" stands for nine As, and $prompt, $message_id, $call_id for what the model has been given: its
system text, the id of the customer's message, the id of the first call that it sees.
"""

import json
import re
import uuid

from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage

from agents.routing import RouteDecision, RoutedIntent
from tests.fakes import USAGE, Script

MANY = re.compile("⟨(.+?)×(\\d+)⟩", re.DOTALL)
BESIDE = {"id", "times"}


def make_model(script, canaries):
    """Return the scripted model; what its router says aloud, and asks of the agents, carries a canary."""
    routes = script.router or [[next(iter(script.model))]]
    roles = {name: [_answer(item) for item in items] for name, items in script.model.items()}
    return Script(router=[_route(route, canaries["router"]) for route in routes], **roles)


def _route(route, canary):
    if isinstance(route, dict):
        return RouteDecision(**expand(route, {}))
    request = f"{canary} as the router put it"
    return RouteDecision(intents=[RoutedIntent(agent=name, request=request) for name in route])


def _answer(item):
    """Return what gives the answer anew each time, because a call's id is chosen anew."""

    def answer(messages):
        known = _known(messages)
        if isinstance(item, dict) and "text" in item:
            given = expand(item, known)
            return AIMessageChunk(given["text"], id=given["message_id"], usage_metadata=USAGE)
        parts = [expand(part, known) for part in (item if isinstance(item, list) else [item])]
        calls = [part for part in parts if isinstance(part, dict)]
        chunks = [chunk for call in calls for chunk in _chunks(call)]
        numbered = [{**chunk, "index": at} for at, chunk in enumerate(chunks)]
        text = " ".join(part for part in parts if isinstance(part, str))
        return AIMessageChunk(text, tool_call_chunks=numbered, usage_metadata=USAGE)

    return answer


def _known(messages):
    customer = [m for m in messages if isinstance(m, HumanMessage) and m.id]
    calls = [call for m in messages if isinstance(m, AIMessage) for call in m.tool_calls]
    return {
        "$prompt": messages[0].text,
        "$message_id": customer[-1].id if customer else "",
        "$call_id": calls[0]["id"] if calls else "",
    }


def expand(value, known):
    """Return a value of the YAML with what stands for something else in it filled in."""
    if isinstance(value, dict):
        return {expand(name, known): expand(part, known) for name, part in value.items()}
    if isinstance(value, list):
        return [expand(part, known) for part in value]
    if not isinstance(value, str):
        return value
    for name, text in known.items():
        value = value.replace(name, text)
    return MANY.sub(lambda match: match[1] * int(match[2]), value)


def _chunks(call):
    [(tool, args)] = [(name, value) for name, value in call.items() if name not in BESIDE]
    text = args if isinstance(args, str) else json.dumps(args or {})
    for _ in range(call.get("times", 1)):
        yield {"name": tool, "args": text, "id": call.get("id", f"call_{uuid.uuid4().hex[:8]}")}
