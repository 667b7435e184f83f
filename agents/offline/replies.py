"""Wording: results of tools, questions, refusals. Only what a result says is said to be done."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from agents.offline.arguments import Argument
from agents.offline.brain import Topic
from agents.offline.conversation import Result
from agents.spec import TemplateSpec, ToolUse, placeholders, render

LISTED = 10

_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T[\d:.+Z-]*)?")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def word_result(result: Result, use: ToolUse | None, template: TemplateSpec) -> str:
    """Return what the customer reads about one tool's result."""
    texts = template.texts
    if result.outcome == "rejected":
        return texts.declined
    if result.outcome == "expired":
        return texts.expired
    if result.outcome == "superseded":
        return texts.superseded
    if result.outcome != "ok":
        return result.text or texts.failed
    fields = result.fields
    if use is not None and use.reply is not None:
        written = fill_in(use.reply, {**result.call["args"], **fields, "company": template.name})
        if written:
            return written
    if isinstance(fields.get("summary"), str) and fields["summary"].strip():
        return str(fields["summary"]).strip()
    return _as_lines(fields) or result.text or "Done."


def fill_in(text: str, values: dict[str, Any]) -> str:
    """Return a reply with its fields filled in, without the sentences whose fields are not there."""
    known = {name: in_words(value) for name, value in values.items()}
    known = {name: words for name, words in known.items() if words}
    lines = []
    for line in text.split("\n"):
        kept = [one for one in _SENTENCE.split(line) if placeholders(one) <= known.keys()]
        if kept or not line.strip():
            lines.append(" ".join(kept))
    return render("\n".join(lines).strip(), known)


def in_words(value: Any) -> str:
    """Return a JSON value as a customer reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        day = _ISO_DAY.fullmatch(value)
        return _day(day) if day else value
    if isinstance(value, list):
        if all(not isinstance(one, dict | list) for one in value):
            return joined([in_words(one) for one in value])
        return "\n".join(f"- {_as_line(one)}" for one in value[:LISTED])
    if isinstance(value, dict):
        return _as_line(value)
    return str(value)


def joined(words: list[str], last: str = "and") -> str:
    """Return "a, b and c"."""
    words = [word for word in words if word]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def _day(found: re.Match[str]) -> str:
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return found[0]
    return f"{day.day} {day:%B %Y}"


def _as_lines(fields: dict[str, Any]) -> str:
    """Return a result without a wording of its own: its lists, one line an item, or its fields."""
    lists = {name: value for name, value in fields.items() if isinstance(value, list)}
    if any(lists.values()):
        return "\n".join(in_words(value) for value in lists.values() if value)
    if lists:
        return "I looked it up and found nothing."
    plain = {name: words for name, value in fields.items() if (words := in_words(value))}
    return "\n".join(
        f"- {name.replace('_', ' ').capitalize()}: {words}" for name, words in plain.items()
    )


def _as_line(item: Any) -> str:
    if not isinstance(item, dict):
        return in_words(item)
    parts = [in_words(v) for v in item.values() if not isinstance(v, dict | list)]
    return ", ".join(part for part in parts if part)


def ask_for(argument: Argument, use: ToolUse, labels: list[str] | None = None) -> str:
    """Return the question for an argument, with the things to choose from."""
    question = use.ask.get(argument.name)
    if argument.kind == "choice" and question is None:
        options = joined([str(one).replace("_", " ") for one in argument.choices], "or")
        question = f"Which {argument.label} is it: {options}?"
    if question is None:
        question = "Which one do you mean?" if labels else f"What is the {argument.label}, please?"
    if not labels:
        return question
    return question + "\n\n" + "\n".join(f"- {label}" for label in labels)


def clarify(topics: list[Topic]) -> str:
    """Return the question which of a few things is meant."""
    options = "\n".join(f"- {_raised(topic.wording)}" for topic in topics)
    return f"I want to be sure that I understand you. Which of these do you mean?\n\n{options}"


def _raised(words: str) -> str:
    return words[:1].upper() + words[1:]


def _lowered(words: str) -> str:
    return words[0].lower() + words[1:] if words[1:2].islower() or words[1:2] == " " else words


def without_tool(topic: Topic, template: TemplateSpec) -> str:
    """Return the answer to an intent that no tool serves."""
    if topic.intent.reply:
        values = {"company": template.name, "tone": template.tone}
        written = fill_in(topic.intent.reply, values)
        if written:
            return written
    return (
        f"You are asking about this: {_lowered(topic.wording)}. I cannot do that myself. "
        "If you like, I can ask a person of our team: just say so."
    )
