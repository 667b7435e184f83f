"""An agent's move: what it says, and which tool it calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agents.offline.arguments import Argument, arguments_of
from agents.offline.brain import Brain, Reading, Topic
from agents.offline.conversation import (
    TRANSFER,
    Result,
    State,
    Turn,
    asks_for_other,
    is_elliptical,
    last_topic,
    open_questions,
    read_turn,
)
from agents.offline.filling import fill, recall, without_qualifiers
from agents.offline.lookup import search
from agents.offline.pending import answer_to, argument_in, complete
from agents.offline.replies import ask_for, without_tool, word_result
from agents.offline.values import find_values
from agents.spec import AgentSpec, TemplateSpec, ToolUse

ASKED_AT_MOST = 3
# From these probabilities on: an intent of this agent is meant; another agent's clearly is.
OWN = 0.05
OWN_VAGUE = 0.2
CLEARLY_OTHER = 0.6


@dataclass(frozen=True)
class Move:
    """What an agent says and calls; `state` goes with the message, so that the next turn knows."""

    text: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    state: State = field(default_factory=dict)


class Agent:
    """One agent of a template, with the tools bound to it. Cheap to make; one for each answer.

    Args:
        template: The template.
        name: The agent's name in it.
        brain: What was learned from the template.
        tools: Tool name → OpenAI function, with its parameters.
    """

    def __init__(
        self, template: TemplateSpec, name: str, brain: Brain, tools: dict[str, dict[str, Any]]
    ) -> None:
        self._template = template
        self._spec: AgentSpec = template.agent(name)
        self._brain = brain
        self._tools = tools
        self._uses = {use.name: use for use in self._spec.tools}

    def move(self, messages: list[Any]) -> Move:
        """Return what the agent does at the end of this history."""
        turn = read_turn(messages, self._spec.name)
        if turn.results:
            return self._after(turn)
        question = next(
            (q for q in open_questions(turn.before) if q.get("agent") == self._spec.name), None
        )
        if question is not None:
            move = self._continue(question, turn)
            if move is not None:
                return move
        return self._begin(turn)

    # A new request

    def _begin(self, turn: Turn) -> Move:
        return self._other_one(turn) or self._understand(turn)

    def _other_one(self, turn: Turn) -> Move | None:
        """Return the move for "the other one", or "only one of them", when several things were named or listed."""
        last = last_topic(turn.before, self._spec.name)
        others, topic = last.get("others"), self._topic(last.get("intent"))
        wish = asks_for_other(turn.request)
        if not others or topic is None or wish is None:
            return None
        options = [
            one for one in others["options"] if wish == "one" or one["value"] != others["used"]
        ]
        wanted = next((a for a in self._arguments(last["tool"]) if a.name == others["name"]), None)
        if wanted is None or not options:
            return None
        args = {k: v for k, v in (last.get("args") or {}).items() if k != wanted.name}
        if len(options) > 1:
            return self._ask(topic, wanted, args, turn, options)
        return self._serve(topic, turn.request, turn, {**args, wanted.name: options[0]["value"]})

    def _understand(self, turn: Turn) -> Move:
        request = complete(turn.request, turn.before, self._brain, self._template)
        topic = request.topic
        if topic is None or topic.agent != self._spec.name:
            reading = self._brain.read(request.text)
            topic = self._follow_up(reading, turn) or self._own_topic(reading)
            if topic is None:
                return self._misfit(reading, turn)
        return self._serve(topic, request.text, turn, {})

    def _own_topic(self, reading: Reading) -> Topic | None:
        own = reading.among(self._spec.name)
        is_vague = not reading.is_confident or reading.talk is not None
        if not own or own[0][1] < (OWN_VAGUE if is_vague else OWN):
            return None
        is_other = reading.topic.agent != self._spec.name and reading.probability >= CLEARLY_OTHER
        return None if is_other and reading.is_confident else own[0][0]

    def _follow_up(self, reading: Reading, turn: Turn) -> Topic | None:
        """Return the last topic again for "and 1043?": words that say little but hold one of its arguments."""
        if reading.is_confident and reading.talk is None and not is_elliptical(turn.request):
            return None
        last = last_topic(turn.before, self._spec.name)
        topic = self._topic(last.get("intent"))
        if topic is None:
            return None
        values = [
            value
            for one in self._arguments(str(topic.intent.tool))
            if one.kind not in ("text", "words", "request")
            for value in find_values(one, turn.request)
        ]
        return topic if values else None

    def _topic(self, intent: Any) -> Topic | None:
        return next(
            (
                t
                for t in self._brain.topics
                if (t.agent, t.intent.name) == (self._spec.name, intent)
            ),
            None,
        )

    def _misfit(self, reading: Reading, turn: Turn) -> Move:
        best = reading.topic
        is_clear = reading.is_confident and reading.talk is None and best.agent != self._spec.name
        if is_clear and TRANSFER in self._tools and not turn.was_transferred:
            args = {"agent": best.agent, "reason": turn.request}
            return Move(calls=[(TRANSFER, args)], state=self._note(turn, tool=TRANSFER))
        return Move(self._template.texts.not_understood)

    # Serving an intent

    def _serve(
        self,
        topic: Topic,
        text: str,
        turn: Turn,
        known: dict[str, Any],
        others: State | None = None,
    ) -> Move:
        tool = topic.intent.tool
        if tool is None or tool not in self._tools:
            return Move(without_tool(topic, self._template), state=self._note(turn, topic))
        findable = self._uses[tool].find.keys()
        filled = fill(self._arguments(tool), text, turn.before, known, turn.whole, findable)
        if filled.missing:
            return self._find_or_ask(topic, filled.missing[0], filled.args, text, turn)
        for name, values in filled.more.items():
            named = [filled.args[name], *values]
            options = [{"value": value, "label": str(value)} for value in named]
            others = {"name": name, "used": named[0], "options": options}
        return self._call(topic, filled.args, turn, filled.more, others)

    def _call(
        self,
        topic: Topic,
        args: dict[str, Any],
        turn: Turn,
        more: dict[str, list[Any]],
        others: State | None = None,
    ) -> Move:
        tool = str(topic.intent.tool)
        note = self._note(turn, topic, step="call", tool=tool, args=args)
        if more:
            note["more"] = more
        if others:
            note["others"] = others
        return Move(calls=[(tool, args)], state=note)

    def _find_or_ask(
        self, topic: Topic, missing: Argument, args: dict[str, Any], text: str, turn: Turn
    ) -> Move:
        lookup = self._uses[str(topic.intent.tool)].find.get(missing.name)
        if lookup is None or lookup.tool not in self._tools:
            return self._ask(topic, missing, args, turn)
        note = self._note(
            turn,
            topic,
            step="lookup",
            tool=topic.intent.tool,
            args=args,
            looking_for=missing.name,
            text=text,
        )
        return Move(calls=[(lookup.tool, {})], state=note)

    def _ask(
        self,
        topic: Topic,
        missing: Argument,
        args: dict[str, Any],
        turn: Turn,
        options: list[dict[str, Any]] | None = None,
        asked: int = 1,
    ) -> Move:
        use = self._uses[str(topic.intent.tool)]
        labels = [str(option["label"]) for option in options or []]
        note = self._note(
            turn,
            topic,
            step="ask",
            tool=use.name,
            args=args,
            missing=missing.name,
            schema=missing.schema,
            asked=asked,
        )
        if options:
            note["options"] = options
        return Move(ask_for(missing, use, labels), state=note)

    # The answer to a question of its own

    def _continue(self, question: State, turn: Turn) -> Move | None:
        topic = self._topic(question.get("intent"))
        if topic is None or topic.intent.tool not in self._tools:
            return None
        answer = answer_to(question, turn.request, self._brain)
        args = dict(question.get("args") or {})
        if answer.kind == "why":
            return Move(str(question["refusal"]), state=question)
        if answer.kind == "new":
            return None
        if answer.kind == "drop":
            return Move(self._template.texts.superseded, state=self._note(turn, topic))
        if question.get("retry"):
            return self._serve(topic, turn.request, turn, {**args, **answer.value})
        missing = argument_in(question)
        if answer.kind == "value":
            options = question.get("options")
            others = {"name": missing.name, "used": answer.value, "options": options}
            kept = without_qualifiers(args, missing, self._arguments(str(topic.intent.tool)))
            known = {**kept, missing.name: answer.value}
            return self._serve(topic, turn.request, turn, known, others if options else None)
        asked = int(question.get("asked", 1))
        if asked >= ASKED_AT_MOST:
            return Move(self._template.texts.not_understood, state=self._note(turn, topic))
        if asked == 1 and not question.get("options"):
            lookup = self._uses[str(topic.intent.tool)].find.get(missing.name)
            if lookup is not None and lookup.tool in self._tools:
                return self._find_or_ask(topic, missing, args, turn.request, turn)
        return self._ask(topic, missing, args, turn, question.get("options"), asked + 1)

    # Results

    def _after(self, turn: Turn) -> Move:
        state = turn.state
        topic = self._topic(state.get("intent"))
        if state.get("tool") == TRANSFER:
            return Move(self._template.texts.not_understood)
        if state.get("step") == "lookup" and topic is not None and turn.results[0].outcome == "ok":
            return self._looked_up(topic, turn.results[0], turn)
        texts = [
            word_result(r, self._uses.get(r.call["name"]), self._template) for r in turn.results
        ]
        text = "\n\n".join(dict.fromkeys(texts))
        note = self._note(
            turn, topic, step="done", tool=state.get("tool"), args=state.get("args") or {}
        )
        if state.get("others"):
            note["others"] = state["others"]
        if turn.results[-1].outcome == "error" and topic is not None:
            note["refusal"] = text
            note["retry"] = self._retryable(str(topic.intent.tool))
        for name, values in (state.get("more") or {}).items():
            if topic is not None and values:
                args = {**note["args"], name: values[0]}
                rest = {name: values[1:]} if values[1:] else {}
                following = self._call(topic, args, turn, rest, state.get("others"))
                return Move(text, following.calls, following.state)
        return Move(text, state=note)

    def _retryable(self, tool: str) -> dict[str, Any]:
        """Return the schemas of the arguments that the customer may give anew, because the tool refused these."""
        loose = ("text", "words", "request", "choice", "boolean")
        return {
            a.name: a.schema for a in self._arguments(tool) if a.is_required and a.kind not in loose
        }

    def _looked_up(self, topic: Topic, result: Result, turn: Turn) -> Move:
        state = turn.state
        use = self._uses[str(topic.intent.tool)]
        name = str(state.get("looking_for"))
        wanted = next((a for a in self._arguments(use.name) if a.name == name), None)
        if wanted is None or name not in use.find:
            return Move(self._template.texts.failed, state=self._note(turn, topic))
        args = dict(state.get("args") or {})
        text = str(state.get("text") or turn.request)
        found = search(use.find[name], result, f"{text}\n{turn.whole}")
        spoken_of = recall(wanted, text, turn.before)
        if any(option["value"] == spoken_of for option in found.options or []):
            return self._serve(topic, text, turn, {**args, name: spoken_of})
        if found.value is not None:
            return self._serve(topic, text, turn, {**args, name: found.value})
        if not found.options:
            return Move(self._nothing_found(result, use), state=self._note(turn, topic))
        return self._ask(topic, wanted, args, turn, found.options)

    def _nothing_found(self, result: Result, use: ToolUse) -> str:
        listed = word_result(result, self._uses.get(result.call["name"]), self._template)
        return f"I looked, and found nothing for which I can do this.\n\n{listed}"

    def _arguments(self, tool: str) -> list[Argument]:
        return arguments_of(self._tools[tool]) if tool in self._tools else []

    def _note(self, turn: Turn, topic: Topic | None = None, **more: Any) -> State:
        note: State = {"agent": self._spec.name, "request": turn.request}
        if topic is not None:
            note["intent"] = topic.intent.name
        return {**note, **more}
