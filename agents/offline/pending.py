"""Answers to the model's own questions: which order, which meaning, yes or no."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import BaseMessage

from agents.offline.arguments import Argument, argument
from agents.offline.brain import Brain, Topic
from agents.offline.choosing import choose_by_age, choose_listed, corrected
from agents.offline.conversation import (
    ROUTER,
    State,
    asks_why,
    is_elliptical,
    last_turn,
    speaker,
    state_of,
)
from agents.offline.values import find_answer, find_values, plain_answer
from agents.spec import TemplateSpec

LOOSE = ("text", "words", "request", "address")

_DROP = re.compile(
    r"\W*(?:no[, ]+)?(?:never ?mind|forget (?:it|about it)|cancel that|leave it|stop|no|nope|no thanks|no thank you|"
    r"don'?t bother|nothing|let'?s not|i changed my mind|not now)\W*",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"\b(i can|can i|shall i|should i|would you like|do you want|if you like)\b", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Answer:
    """What a message says to an open question.

    Attributes:
        kind: "value": it answers it; "drop": the customer gives up; "unclear": neither; "new": it is another matter;
            "why": it asks for the reason of a refusal.
    """

    kind: Literal["value", "drop", "unclear", "new", "why"]
    value: Any = None


@dataclass(frozen=True)
class Request:
    """A message together with what was said before it.

    Attributes:
        text: What is asked, complete in itself.
        topic: What it is about, where the history says so.
    """

    text: str
    topic: Topic | None = None


def argument_in(question: State) -> Argument:
    """Return the argument that a noted question asks for."""
    return argument(str(question["missing"]), dict(question.get("schema") or {}))


def answer_to(question: State, text: str, brain: Brain) -> Answer:
    """Return what `text` says to a noted question."""
    if question.get("retry"):
        return _retry(question, text, brain)
    asked = argument_in(question)
    options = list(question.get("options") or [])
    if is_no(text):
        return Answer("drop")
    reading = brain.read(text)
    is_new = (
        reading.is_confident
        and reading.talk is None
        and reading.topic.intent.name != question.get("intent")
        and len(text.split()) > 2
    )
    if options and not (is_new and len(text.split()) > 6):
        chosen = choose_by_age(corrected(text), options)
        if chosen is None:
            chosen = choose_listed(text, [str(one.get("label", "")) for one in options])
        if chosen is not None:
            return Answer("value", options[chosen]["value"])
    value = find_answer(asked, text)
    is_loose = asked.kind in LOOSE and not find_values(asked, text)
    if value is not None and not (is_new and is_loose):
        if is_new and reading.score > reading.threshold + 0.2:
            return Answer("new")
        return Answer("value", value)
    if is_new or reading.talk in ("hello", "thanks", "abuse"):
        return Answer("new")
    is_short = len(text.split()) <= 8
    return Answer(
        "unclear" if is_short or reading.topic.intent.name == question.get("intent") else "new"
    )


def _retry(question: State, text: str, brain: Brain) -> Answer:
    """Return the arguments that a short message gives anew after a tool has refused the old ones."""
    if question.get("refusal") and asks_why(text):
        return Answer("why")
    reading = brain.read(text)
    is_other = reading.is_confident and reading.topic.intent.name != question.get("intent")
    if len(text.split()) > 12 or (
        is_other and not is_elliptical(text) and reading.probability > 0.3
    ):
        return Answer("new")
    is_bare = len(text.split()) <= 3
    found = {}
    for name, schema in dict(question["retry"]).items():
        wanted = argument(name, schema)
        values = find_values(wanted, text)
        value = values[0] if values else find_answer(wanted, text) if is_bare else None
        if value is not None:
            found[name] = value
    return Answer("value", found) if found else Answer("new")


def complete(text: str, before: list[BaseMessage], brain: Brain, template: TemplateSpec) -> Request:
    """Return the customer's request with what the last message before it adds: the meanings or the offer it held."""
    said = last_turn(before)
    if not said:
        return Request(text)
    last = said[-1]
    meanings = state_of(last).get("meanings")
    if speaker(last) == ROUTER and meanings:
        return _clarified(text, str(state_of(last).get("request", "")), meanings, brain)
    if is_yes(text, template):
        offer = _offer_in(str(last.text), brain)
        if offer is not None:
            return offer
    return Request(text)


def _clarified(text: str, original: str, meanings: list[dict[str, str]], brain: Brain) -> Request:
    both = f"{original} {text}".strip()
    topics = [t for m in meanings for t in brain.topics if t.intent.name == m.get("intent")]
    chosen = choose_listed(text, [topic.wording for topic in topics])
    if chosen is not None and len(text.split()) <= 6:
        return Request(both, topics[chosen])
    reading = brain.read(text)
    if reading.is_confident and reading.talk is None:
        return Request(text if len(text.split()) > 4 else both, reading.topic)
    if chosen is not None:
        return Request(both, topics[chosen])
    if reading.talk in ("hello", "thanks", "abuse", "out_of_scope"):
        return Request(text)
    together = brain.read(both)
    if together.is_confident and together.talk is None:
        return Request(both, together.topic)
    return Request(both)


def is_no(text: str) -> bool:
    """Return whether a message turns something down and says nothing else."""
    return _DROP.fullmatch(text) is not None


def is_yes(text: str, template: TemplateSpec) -> bool:
    """Return whether a message says yes and nothing else."""
    words = plain_answer(text).casefold()
    return text.strip(" .!,").casefold() in {w.casefold() for w in template.confirm_words.yes} or (
        not words and bool(re.match(r"\W*(yes|yeah|ok|okay|sure|please)\b", text, re.IGNORECASE))
    )


def _offer_in(text: str, brain: Brain) -> Request | None:
    for sentence in reversed(_SENTENCE.split(text)):
        if _OFFER.search(sentence):
            reading = brain.read_clause(sentence)
            if reading.is_confident and reading.talk is None:
                return Request(sentence, reading.topic)
    return None
