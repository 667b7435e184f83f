"""Pydantic's errors about a template, in words that its author can use."""

from __future__ import annotations

import re
import reprlib
import types
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agents.checking import Loc, Problem, nearest
from agents.spec import TemplateSpec

# "two agents are named 'x'", "intent 'x' names the tool …": what has a name has a place.
_NAMED = re.compile(r"(?:two )?(?P<kind>agent|tool|intent)s?(?: are named)? '(?P<name>[^']+)'")
_TYPES = {
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
}

_show = reprlib.Repr()
_show.maxstring = 60


def explain_validation(error: ValidationError, data: Any) -> list[Problem]:
    """Return every mistake that pydantic found, in the order of the file.

    Args:
        error: What validating `data` as a TemplateSpec raised.
        data: The document.
    """
    return [_explain(item, data) for item in error.errors(include_url=False)]


def _explain(item: ErrorDetails, data: Any) -> Problem:
    loc, kind, value = item["loc"], item["type"], item["input"]
    if kind == "extra_forbidden":
        known = _known_keys(loc[:-1])
        return Problem(loc, f"unknown key {str(loc[-1])!r}; {nearest(str(loc[-1]), known, 'key')}")
    if kind == "missing":
        return Problem(loc[:-1], f"the key {loc[-1]!r} is missing")
    if loc and loc[-1] == "[key]":
        loc = loc[:-1]
    if kind in _TYPES:
        return Problem(loc, f"{_describe(value)} where {_TYPES[kind]} is expected")
    message = item["msg"].removeprefix("Value error, ")
    if isinstance(value, (dict, list)):
        return Problem(_find_named(loc, data, message), message)
    return Problem(loc, f"{_show.repr(value)}: {message}")


def _describe(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"{str(value).lower()}"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return _show.repr(value)


def _known_keys(loc: Loc) -> list[str]:
    """Return the keys of the model that validates this place."""
    here: Any = TemplateSpec
    for part in loc:
        here = _bare(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            here = here.model_fields[str(part)].annotation
        else:
            here = get_args(here)[-1]
    here = _bare(here)
    return list(here.model_fields)


def _bare(annotation: Any) -> Any:
    """Return a type without Annotated and without "or None"."""
    while get_origin(annotation) in (Annotated, Union, types.UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def _find_named(loc: Loc, data: Any, message: str) -> Loc:
    """Return the place of the thing that the message names: of two, the second."""
    match = _NAMED.match(message)
    if match is None:
        return loc
    here = data
    for part in loc:
        here = here[part]
    found = _search(here, loc, f"{match['kind']}s", match["name"])
    return found or loc


def _search(here: Any, loc: Loc, key: str, name: str) -> Loc | None:
    found: Loc | None = None
    if isinstance(here, dict):
        for child_key, child in here.items():
            found = _search(child, (*loc, child_key), key, name) or found
    elif isinstance(here, list):
        for index, child in enumerate(here):
            is_it = loc and loc[-1] == key and isinstance(child, dict) and child.get("name") == name
            place = (*loc, index, "name") if is_it else _search(child, (*loc, index), key, name)
            found = place or found
    return found
