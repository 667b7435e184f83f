"""Stand-ins for what the outside decides: a language model that follows a script."""

import asyncio
import uuid

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableLambda

from agents.routing import RouteDecision, RoutedIntent

USAGE = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}


def to(*agents, request="as asked"):
    """Route to these agents."""
    return RouteDecision(intents=[RoutedIntent(agent=agent, request=request) for agent in agents])


def call(tool, /, **args):
    """Call a tool."""
    return {"name": tool, "args": args, "id": f"call_{uuid.uuid4().hex[:8]}", "type": "tool_call"}


class Stream:
    """An answer in pieces: texts and chunks to stream, events to wait for, exceptions to raise on the way."""

    def __init__(self, *pieces):
        self.pieces = pieces


class Script:
    """What the model says, in order, for the router and for each agent; and what it was asked.

    An item is a text, one or several tool calls, an exception to raise, a Stream, or a function of the messages that
    gives one. The last item of a role stands for all that follow.
    """

    def __init__(self, **roles):
        self.roles = {role: list(items) for role, items in roles.items()}
        self.asked = []
        self.delay_seconds = 0

    def next(self, role, messages):
        self.asked.append((role, messages))
        items = self.roles.get(role) or self.roles.get("*")
        item = items.pop(0) if len(items) > 1 else items[0]
        item = item(messages) if callable(item) else item
        if isinstance(item, Exception):
            raise item
        return item

    def build(self, spec, role):
        """Stand in for `agents.compiled.build_chat_model`."""
        return ScriptedModel(script=self, role=role)


class ScriptedModel(BaseChatModel):
    script: object
    role: str

    @property
    def _llm_type(self):
        return "scripted"

    def bind_tools(self, tools, **kwargs):
        return self

    def with_structured_output(self, schema, *, include_raw=False, **kwargs):
        async def decide(messages):
            await asyncio.sleep(self.script.delay_seconds)
            parsed = self.script.next(self.role, messages)
            return {
                "raw": AIMessage("", usage_metadata=USAGE),
                "parsed": parsed,
                "parsing_error": None,
            }

        return RunnableLambda(decide)

    def _message(self, item):
        if isinstance(item, str):
            return AIMessageChunk(item, usage_metadata=USAGE)
        if isinstance(item, AIMessageChunk):
            return item
        calls = [item] if isinstance(item, dict) else item
        return AIMessageChunk("", tool_calls=calls, usage_metadata=USAGE)

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        message = self._message(self.script.next(self.role, messages))
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        item = self.script.next(self.role, messages)
        if isinstance(item, Stream):
            async for chunk in self._pieces(item):
                yield chunk
            return
        whole = self._message(item)
        if isinstance(item, AIMessageChunk):
            yield ChatGenerationChunk(message=whole)
            return
        words = whole.text.split(" ")
        for at, word in enumerate(words[:-1]):
            yield ChatGenerationChunk(message=AIMessageChunk(word + " ", id=f"lc_{at}"))
            await asyncio.sleep(self.script.delay_seconds)
        last = AIMessageChunk(
            words[-1], tool_calls=whole.tool_calls, usage_metadata=whole.usage_metadata
        )
        yield ChatGenerationChunk(message=last)

    async def _pieces(self, stream):
        for piece in stream.pieces:
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, asyncio.Event):
                await piece.wait()
                continue
            chunk = piece if isinstance(piece, AIMessageChunk) else AIMessageChunk(piece)
            yield ChatGenerationChunk(message=chunk)
