"""Filling a tool's arguments: from the request, and from what was said before when the request points there."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agents.offline.arguments import Argument
from agents.offline.choosing import corrected
from agents.offline.conversation import points_at, points_back, recent_turns, state_of
from agents.offline.values import find_values

_LEFT_OUT = re.compile(r"\bleave (?:it|this) out\b", re.IGNORECASE)


@dataclass(frozen=True)
class Filled:
    """Arguments that were found.

    Attributes:
        args: Argument → value.
        missing: Required arguments without one, in the schema's order.
        more: Argument → further values that were named for it: "cancel 1042 and 1043".
    """

    args: dict[str, Any]
    missing: list[Argument]
    more: dict[str, list[Any]]


def fill(
    arguments: list[Argument],
    text: str,
    before: list[BaseMessage],
    known: dict[str, Any],
    whole: str = "",
    findable: Collection[str] = (),
) -> Filled:
    """Return the arguments for a request.

    Optional arguments are filled only from the request itself; required ones that name a thing ("it", "the order") also
    from the message it is a part of, and from the last turns.

    Args:
        arguments: What the tool takes.
        text: The request.
        before: The messages before it.
        known: Arguments that stay as they are.
        whole: The message that the request is a part of.
        findable: Arguments that can be looked up: "my order" need not be the one that was spoken of.
    """
    args = dict(known)
    more: dict[str, list[Any]] = {}
    # What is told in quotes is the telling, if the tool takes one, and not a name.
    for argument in sorted(arguments, key=lambda one: one.kind != "words"):
        if argument.name in args or _is_left_out(argument):
            continue
        values = find_values(argument, corrected(text)) or find_values(argument, text)
        values = [v for v in values if not _is_taken(v, args)]
        if values:
            args[argument.name] = values[0]
            if argument.is_required and argument.kind == "code":
                more[argument.name] = _enumerated(text, values)
        elif argument.is_required:
            value = _only_one(argument, whole)
            if value is None and (argument.name not in findable or points_at(text)):
                value = recall(argument, text, before)
            if value is not None:
                args[argument.name] = value
    missing = [a for a in arguments if a.is_required and a.name not in args]
    return Filled(args, missing, {name: values for name, values in more.items() if values})


def without_qualifiers(
    args: dict[str, Any], counted: Argument, arguments: list[Argument]
) -> dict[str, Any]:
    """Return the arguments less those that say how a number is meant, when only now the number is told.

    "More seats" without a number leaves open how many; to "how many in all?" a bare 14 means 14, and not 14 more. What
    has a default and is no longer said falls back to it; what the answer itself says is read from the answer.
    """
    if counted.kind != "integer":
        return args
    qualifiers = {
        one.name for one in arguments if one.kind == "choice" and one.schema.get("default")
    }
    return {name: value for name, value in args.items() if name not in qualifiers}


def _only_one(argument: Argument, whole: str) -> Any | None:
    if argument.kind not in ("code", "email"):
        return None
    values = find_values(argument, whole)
    return values[0] if len(values) == 1 else None


def _is_left_out(argument: Argument) -> bool:
    if argument.is_required:
        return False
    description = str(argument.schema.get("description", ""))
    return argument.kind == "request" or _LEFT_OUT.search(description) is not None


def _enumerated(text: str, values: list[Any]) -> list[Any]:
    """Return the further values of "1042, 1043 and 1044": only what a list joins to the first."""
    further: list[Any] = []
    for before, after in pairwise(values):
        if not re.search(
            rf"{re.escape(str(before))}\s*(?:,|and|&|\+)+\s*(?:and\s*)?#?{re.escape(str(after))}",
            text,
        ):
            break
        further.append(after)
    return further


def _is_taken(value: Any, args: dict[str, Any]) -> bool:
    return any(value == other and type(value) is type(other) for other in args.values())


def recall(argument: Argument, text: str, before: list[BaseMessage]) -> Any | None:
    """Return the value that "it" or "the order" has had in the last turns, newest first."""
    if argument.kind not in ("code", "email", "text"):
        return None
    nouns = "|".join(re.escape(noun) for noun in argument.nouns)
    named = re.search(rf"\b(my|the|this|that)\s+(\w+\s+)?({nouns})\b", text, re.IGNORECASE)
    if not named and not points_back(text):
        return None
    if re.search(rf"\b(another|other|different|new|an?)\s+({nouns})\b", text, re.IGNORECASE):
        return None
    for message in recent_turns(before, 3 if points_back(text) else 2):
        value = _value_in(argument, message)
        if value is not None:
            return value
    return None


def _value_in(argument: Argument, message: BaseMessage) -> Any | None:
    if isinstance(message, AIMessage):
        args = state_of(message).get("args") or {}
        calls = [call["args"] for call in message.tool_calls]
        return next((a[argument.name] for a in [args, *calls] if argument.name in a), None)
    if isinstance(message, ToolMessage):
        try:
            content = json.loads(str(message.text))
        except ValueError:
            return None
        value = content.get(argument.name) if isinstance(content, dict) else None
        return value if isinstance(value, str | int) else None
    if isinstance(message, HumanMessage) and argument.kind in ("code", "email"):
        values = find_values(argument, str(message.text))
        return values[0] if len(values) == 1 else None
    return None
