"""The router's decision: who handles the customer's last message."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage

from agents.offline.brain import Brain, Reading, Topic
from agents.offline.clauses import find_requests
from agents.offline.conversation import (
    State,
    is_elliptical,
    last_agent,
    open_questions,
    points_at,
    points_back,
    read_turn,
)
from agents.offline.pending import answer_to, complete, is_no, is_yes
from agents.offline.replies import clarify
from agents.routing import RouteDecision, RoutedIntent
from agents.spec import HUMAN, TemplateSpec

OFFERED = 3
# Two meanings are too close to choose when the first is less likely than this, and the second at least so near to it.
UNSURE = 0.45
CLOSE = 0.6
# The same for one or two words: "refund?" may mean much.
UNSURE_SHORT = 0.8
CLOSE_SHORT = 0.2
# So much above the threshold a text is not unsure any more.
CLEAR_SCORE = 0.3

_GREETING = re.compile(
    r"^\W*(?:(?:hi|hello|hey|hiya|dear (?:team|support|all)|good (?:morning|day|afternoon|evening)|greetings|thanks|"
    r"thank you(?: so much| very much)?|cheers|ok|okay|great|perfect|all right|alright|there|team|everyone|guys|"
    r"sorry|excuse me|please)\b[\s,.!:;-]*)+",
    re.IGNORECASE,
)
_THANKS = re.compile(
    r"\b(thank|thanks|thx|cheers|bye|goodbye|great|perfect|okay|ok)\b", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_FILLER = frozenset(
    [
        "a",
        "about",
        "an",
        "for",
        "got",
        "have",
        "help",
        "i",
        "in",
        "is",
        "issue",
        "it",
        "my",
        "need",
        "of",
        "please",
        "problem",
        "question",
        "the",
        "with",
    ]
)


@dataclass(frozen=True)
class Decided:
    """A decision, and what to note with it for the next turn."""

    decision: RouteDecision
    state: State


def decide(messages: list[BaseMessage], brain: Brain, template: TemplateSpec) -> Decided:
    """Return who handles the last message of a history."""
    turn = read_turn(messages, "router")
    answered = _answers(turn.request, open_questions(turn.before), brain)
    if answered:
        return _to(RoutedIntent(agent=agent, request=turn.request) for agent in answered)
    request = complete(turn.request, turn.before, brain, template)
    if request.topic is not None:
        return _to([RoutedIntent(agent=request.topic.agent, request=request.text)])
    text = _without_greeting(request.text)
    if is_yes(text, template) or is_no(text):
        return _other("thanks")  # there was nothing to say yes or no to
    if not _WORD.search(text) and not any(c.isdigit() for c in text):
        return _other("thanks" if _THANKS.search(request.text) else "hello")
    several = find_requests(text, brain)
    if several:
        return _to(RoutedIntent(agent=one.topic.agent, request=one.text) for one in several)
    return _single(text, request.text, last_agent(turn.before), brain)


def read_message(text: str, brain: Brain) -> Reading:
    """Return what a message is about, as the router reads it when nothing was said before."""
    return brain.read(_without_greeting(text) or text)


def _without_greeting(text: str) -> str:
    return _GREETING.sub("", text, count=1).strip()


def _answers(text: str, questions: list[State], brain: Brain) -> list[str]:
    """Return the agents whose questions the message answers; one to whom it means nothing is asked again alone."""
    kinds = [(str(q.get("agent")), answer_to(q, text, brain).kind) for q in questions]
    answered = [agent for agent, kind in kinds if kind in ("value", "drop", "why")]
    unclear = [agent for agent, kind in kinds if kind == "unclear"]
    return list(dict.fromkeys(answered or unclear[-1:]))


def _single(text: str, whole: str, last: str | None, brain: Brain) -> Decided:
    reading = brain.read(text)
    talk = reading.talk
    if text != whole and (talk is not None or not reading.is_confident):
        # "Thanks a lot" without its "thanks" says nothing.
        talk = brain.read(whole).talk or talk
    if talk in ("hello", "thanks", "abuse"):
        return _other(talk)
    is_confident = reading.is_confident and talk is None
    if last is not None and _continues(text, reading, last, is_confident):
        return _to([RoutedIntent(agent=last, request=whole)])
    is_ambiguous = is_confident and _is_ambiguous(text, reading)
    if is_ambiguous and last is not None and _takes_up(text, reading, last):
        return _to([RoutedIntent(agent=last, request=whole)])
    if talk == "vague" or is_ambiguous:
        return _ask_back(reading, whole)
    if not is_confident:
        return _ask_back(reading, whole) if _is_generic(text, reading) else _other("out_of_scope")
    return _to([RoutedIntent(agent=reading.topic.agent, request=whole)])


def _continues(text: str, reading: Reading, last: str, is_confident: bool) -> bool:
    """Return whether a message that says little on its own goes on with the last agent."""
    if reading.talk is None and is_elliptical(text):
        return True
    if reading.topic.agent == last and is_confident:
        return False
    if reading.talk == "out_of_scope":
        return False
    is_short = len(text.split()) <= 6
    if is_confident:
        is_weak = reading.score < reading.threshold + 0.1 and reading.probability < UNSURE
        return is_weak and is_short and points_back(text)
    return is_short or points_back(text)


def _takes_up(text: str, reading: Reading, last: str) -> bool:
    """Return whether a text of several meanings is about what the last agent spoke of: "cancel it"."""
    return points_at(text) and any(topic.agent == last for topic in _meanings(reading))


def _is_ambiguous(text: str, reading: Reading) -> bool:
    (first, p), (second, q) = reading.ranked[0], _rival(reading)
    if _says_little(text):
        return q >= CLOSE_SHORT * p and p < UNSURE_SHORT
    if q < CLOSE * p or p >= UNSURE or first.agent == second.agent:
        return False
    (_, share), (_, other) = reading.agents[:2]
    return other >= CLOSE * share and reading.score < reading.threshold + CLEAR_SCORE


def _rival(reading: Reading) -> tuple[Topic, float]:
    return reading.ranked[1] if len(reading.ranked) > 1 else (reading.topic, 0.0)


def _is_generic(text: str, reading: Reading) -> bool:
    """Return whether a text of very few words at least names one of the template's matters: "my order"."""
    return _says_little(text) and reading.talk is None and reading.score >= reading.threshold - 0.15


def _says_little(text: str) -> bool:
    words = [word.lower() for word in _WORD.findall(text)]
    if words and any(c.isdigit() for c in text):
        return False  # "refund $3" names its matter
    return len([word for word in words if word not in _FILLER]) <= 1 or len(words) <= 2


def _ask_back(reading: Reading, request: str) -> Decided:
    topics = _meanings(reading)
    meanings = [{"agent": topic.agent, "intent": topic.intent.name} for topic in topics]
    return Decided(
        RouteDecision(is_ambiguous=True, clarification_question=clarify(topics)),
        {"agent": "router", "request": request, "meanings": meanings},
    )


def _meanings(reading: Reading) -> list[Topic]:
    """Return two or three things to choose from; a person is offered only where that is among the likeliest."""
    first, *others = [topic for topic, p in reading.ranked if p >= 0.15 * reading.probability]
    others = others or [topic for topic, _ in reading.ranked[1:]]
    # What can be done comes before what can only be told.
    others.sort(key=lambda topic: topic.intent.tool is None)
    return [first, *(topic for topic in others if topic.agent != HUMAN)][:OFFERED]


def _to(intents: Iterable[RoutedIntent]) -> Decided:
    return Decided(RouteDecision(intents=list(intents)), {})


def _other(kind: Any) -> Decided:
    return Decided(RouteDecision(other=kind), {})
