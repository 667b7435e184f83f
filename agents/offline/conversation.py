"""Reading a history: whose turn it is, what was asked, what hangs in the air. The history is the only state."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from agents.spec import HUMAN, STAFF

STATE = "offline"  # the key in AIMessage.additional_kwargs
ROUTER = "router"
SUPPORT = "support"
TRANSFER = "transfer_to_agent"
NOBODY = frozenset({ROUTER, SUPPORT, HUMAN, STAFF, ""})

State = dict[str, Any]

_POINTS_BACK = re.compile(
    r"\b(it|its|that|this|these|those|them|they|there|same|again|instead|one|ones)\b", re.IGNORECASE
)
_POINTS_AT = re.compile(r"\b(it|its|that|this|same|again)\b", re.IGNORECASE)
_OTHER = re.compile(r"\b(?:the|my) other\b|\bnot (?:that|this) one\b", re.IGNORECASE)
_ONE_OF = re.compile(
    r"\b(?:only|just) one\b|\bone of (?:them|those|these|the two)\b", re.IGNORECASE
)
SHORT_ANSWER = 8
_WHY = re.compile(
    r"\W*(?:(?:but|and|ok|okay|hm+|what|sorry)\W+)*(?:why|how come|what(?: i|')s the reason|for what reason)"
    r"(?:\W+(?:is that|is this|not|on earth|ever|can'?t (?:you|i)|won'?t you|did(?:n'?t)? (?:you|that|it))"
    r"(?:\W+(?:so|do (?:that|it)|work|possible))?)?\W*",
    re.IGNORECASE,
)
_ELLIPTICAL = re.compile(
    r"\W*(?:(?:and|or|also|what about|how about|same (?:for|with)|now)\b.*"
    r"|(?:the |order |number |no\.? )*#?\d[\w-]*\W*)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Result:
    """A tool's result and the call that it answers."""

    call: ToolCall
    message: ToolMessage

    @property
    def outcome(self) -> str:
        status = "ok" if self.message.status == "success" else "error"
        return str(self.message.additional_kwargs.get("outcome", status))

    @property
    def text(self) -> str:
        return str(self.message.text).strip()

    @property
    def fields(self) -> dict[str, Any]:
        """The result's keys; none when it is a sentence."""
        try:
            content = json.loads(self.text)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {"result": content}


@dataclass(frozen=True)
class Turn:
    """What an agent, or the router, is to answer.

    Attributes:
        request: The customer's words, or the part of them that is this agent's.
        whole: The customer's whole message.
        before: All messages before that, with the whole message in front of its part.
        results: Of the calls that this agent has just made for this request.
        state: What the model noted with those calls.
        was_transferred: Another agent has already passed this request on.
    """

    request: str
    whole: str
    before: list[BaseMessage]
    results: list[Result]
    state: State
    was_transferred: bool


def state_of(message: BaseMessage) -> State:
    """Return what the offline model noted with a message."""
    state = message.additional_kwargs.get(STATE)
    return state if isinstance(state, dict) else {}


def speaker(message: BaseMessage) -> str:
    """Return who wrote a model's message: an agent's name, "router", "support" or ""."""
    return message.name or str(state_of(message).get("agent", ""))


def read_turn(messages: list[BaseMessage], role: str) -> Turn:
    """Return the turn of `role` at the end of a history."""
    asked = max((i for i, m in enumerate(messages) if isinstance(m, HumanMessage)), default=-1)
    request = str(messages[asked].text).strip() if asked >= 0 else ""
    rest = messages[asked + 1 :]
    # A message of the customer's own begins anew, also when it repeats the last one word for word.
    if not rest and asked > 0 and messages[asked].additional_kwargs.get("part"):
        rest = _calls_before(messages[:asked], role)
    before = [m for m in messages[:asked] if m.type != "system"] if asked >= 0 else []
    results, state = _last_results(rest, role, request)
    calls = [call["name"] for m in rest if isinstance(m, AIMessage) for call in m.tool_calls]
    return Turn(request, _whole(messages, asked), before, results, state, TRANSFER in calls)


def _whole(messages: list[BaseMessage], asked: int) -> str:
    """Return the customer's message itself, where the last one is only a part of it."""
    for message in reversed(messages[: asked + 1]):
        if isinstance(message, HumanMessage) and not message.additional_kwargs.get("part"):
            return str(message.text)
    return ""


def _calls_before(messages: list[BaseMessage], role: str) -> list[BaseMessage]:
    """Return the calls and results at the end, where the part of a message stands behind them."""
    at = len(messages)
    while at and (
        isinstance(messages[at - 1], ToolMessage)
        or (isinstance(messages[at - 1], AIMessage) and messages[at - 1].tool_calls)  # type: ignore[attr-defined]
    ):
        at -= 1
    return messages[at:]


def _last_results(rest: list[BaseMessage], role: str, request: str) -> tuple[list[Result], State]:
    """Return the results at the very end, if they answer calls of this agent for this request."""
    found: list[ToolMessage] = []
    for message in reversed(rest):
        if isinstance(message, ToolMessage):
            found.append(message)
            continue
        if not isinstance(message, AIMessage) or speaker(message) not in (role, ""):
            return [], {}
        state = state_of(message)
        if state.get("request", request) != request:
            return [], {}
        calls = {call["id"]: call for call in message.tool_calls}
        results = [
            Result(calls[m.tool_call_id], m) for m in reversed(found) if m.tool_call_id in calls
        ]
        return results, state if results else {}
    return [], {}


def last_turn(before: list[BaseMessage]) -> list[AIMessage]:
    """Return what was said to the customer since their message before this one."""
    said: list[AIMessage] = []
    for message in reversed(before):
        if isinstance(message, AIMessage):
            said.append(message)
        elif isinstance(message, HumanMessage) and said:
            break
    return [message for message in reversed(said) if str(message.text).strip()]


def open_questions(before: list[BaseMessage]) -> list[State]:
    """Return the questions of agents that the customer's message may answer, in the order they were asked."""
    states = [state_of(message) for message in last_turn(before)]
    return [state for state in states if state.get("missing") or state.get("retry")]


def last_agent(before: list[BaseMessage]) -> str | None:
    """Return the agent who spoke last, if that was within the last messages."""
    for message in reversed(before[-12:]):
        if isinstance(message, AIMessage) and speaker(message) not in NOBODY:
            return speaker(message)
    return None


def last_topic(before: list[BaseMessage], agent: str) -> State:
    """Return what the model noted with the agent's last message about a tool."""
    for message in reversed(before[-12:]):
        if (
            isinstance(message, AIMessage)
            and speaker(message) == agent
            and state_of(message).get("tool")
        ):
            return state_of(message)
    return {}


def is_elliptical(text: str) -> bool:
    """Return whether a text leaves out what is to be done: "and 1043?", "what about the other one"."""
    return len(text.split()) <= 5 and _ELLIPTICAL.match(text) is not None


def points_back(text: str) -> bool:
    """Return whether a text speaks of something named before."""
    return _POINTS_BACK.search(text) is not None


def points_at(text: str) -> bool:
    """Return whether a text takes up the very thing that was named before: "cancel it", "return that order"."""
    return _POINTS_AT.search(text) is not None


def asks_for_other(text: str) -> Literal["other", "one"] | None:
    """Return "other" for "the other one", "one" for "only one of them", None for anything else."""
    if len(text.split()) > SHORT_ANSWER:
        return None
    return "other" if _OTHER.search(text) else "one" if _ONE_OF.search(text) else None


def asks_why(text: str) -> bool:
    """Return whether a text asks for a reason and for nothing else."""
    return _WHY.fullmatch(text) is not None


def recent_turns(before: list[BaseMessage], turns: int) -> list[BaseMessage]:
    """Return the messages since the customer's last but `turns` message, newest first."""
    recent: list[BaseMessage] = []
    for message in reversed(before):
        recent.append(message)
        if isinstance(message, HumanMessage):
            turns -= 1
            if turns <= 0:
                break
    return recent
