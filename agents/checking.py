"""What a template may say about the tools of this site."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Union, get_args, get_origin

from agents.spec import AgentSpec, TemplateSpec, ToolUse
from agents.tools import SupportTool

Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One mistake in a template: where it is, and what it is."""

    loc: Loc
    message: str


def nearest(word: str, known: Iterable[str], kind: str) -> str:
    """Return "did you mean …? Known KINDs are …", as far as there is something to say."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]!r}? " if close else ""
    if not names:
        return f"{hint}there are no {kind}s"
    return f"{hint}known {kind}s are {', '.join(names)}"


def find_registry_problems(spec: TemplateSpec, tools: Mapping[str, SupportTool]) -> list[Problem]:
    """Return where a template names a tool, argument or measure that the registry does not have.

    Args:
        spec: A template that is valid in itself.
        tools: The registry's tools by name.
    """
    return [
        problem
        for i, agent in enumerate(spec.agents)
        for j, use in enumerate(agent.tools)
        for problem in _check_use(use, agent, ("agents", i, "tools", j), tools)
    ]


def _check_use(
    use: ToolUse, agent: AgentSpec, loc: Loc, tools: Mapping[str, SupportTool]
) -> Iterator[Problem]:
    tool = tools.get(use.name)
    if tool is None:
        hint = nearest(use.name, tools, "tool")
        yield Problem((*loc, "name"), f"unknown tool {use.name!r}; {hint}")
        return
    yield from _check_policy(use, tool, loc)
    yield from _check_arguments(use, tool, loc)
    for argument, lookup in use.find.items():
        found = tools.get(lookup.tool)
        problem = _lookup_problem(lookup.tool, found, agent, tools)
        if problem:
            yield Problem((*loc, "find", argument, "tool"), problem)


def _check_policy(use: ToolUse, tool: SupportTool, loc: Loc) -> Iterator[Problem]:
    if not tool.is_write:
        for key in ("approver", "limits"):
            if getattr(use, key) is not None:
                message = f"{tool.name!r} only reads, so nobody approves it; remove {key!r}"
                yield Problem((*loc, key), message)
        return
    # A tool's `prepare` may measure what only it knows, so then any name may be right.
    if use.limits is not None and tool.prepare is None:
        numbers = _number_arguments(tool)
        measure = use.limits.measure
        if measure not in numbers:
            hint = nearest(measure, numbers, "measure")
            message = f"{tool.name!r} has no number {measure!r}; {hint}"
            yield Problem((*loc, "limits", "measure"), message)


def _check_arguments(use: ToolUse, tool: SupportTool, loc: Loc) -> Iterator[Problem]:
    known = tool.args_model.model_fields
    places: list[tuple[Loc, str]] = [
        ((*loc, "hidden", k), name) for k, name in enumerate(use.hidden)
    ]
    places += [((*loc, "ask", name), name) for name in use.ask]
    places += [((*loc, "find", name), name) for name in use.find]
    for place, name in places:
        if name not in known:
            hint = nearest(name, known, "argument")
            yield Problem(place, f"{tool.name!r} has no argument {name!r}; {hint}")


def _lookup_problem(
    name: str, tool: SupportTool | None, agent: AgentSpec, tools: Mapping[str, SupportTool]
) -> str | None:
    held = [use.name for use in agent.tools]
    if name not in held or tool is None:
        reads = [
            held_name for held_name in held if held_name in tools and not tools[held_name].is_write
        ]
        return (
            f"{name!r} is no tool of the agent {agent.name!r}; {nearest(name, reads, 'read tool')}"
        )
    if tool.is_write:
        return f"{name!r} is a write; values are looked up by a read"
    needed = [key for key, field in tool.args_model.model_fields.items() if field.is_required()]
    if needed:
        return f"{name!r} cannot be called without its argument {needed[0]!r}"
    return None


def _number_arguments(tool: SupportTool) -> list[str]:
    fields = tool.args_model.model_fields
    return [name for name, field in fields.items() if _is_number(field.annotation)]


def _is_number(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_number(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return any(_is_number(part) for part in get_args(annotation))
    return annotation in (int, float, Decimal)
