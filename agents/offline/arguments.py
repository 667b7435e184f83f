"""What a tool wants to know: its JSON schema, read as arguments of a few kinds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "choice", "boolean", "email", "date", "amount", "percent", "integer", "number", "code", "phone",
    "plan", "postal_code", "address", "words", "request", "text",
]  # fmt: skip

# Texts that are the customer's own telling, as against a name or a place.
WORDS = {
    "comment", "description", "details", "explanation", "feedback", "issue", "message", "note", "notes",
    "problem", "reason", "subject", "summary", "text",
}  # fmt: skip
REQUEST = {"query", "question", "search", "keywords", "topic"}
CODE_ENDS = {"number", "id", "code", "reference", "ref", "no", "sku", "iban"}
EVERYDAY_WORDS = ("please", "order", "cancel", "the", "my", "Hello")

_NAMED: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("email", frozenset({"email", "mail"})),
    ("postal_code", frozenset({"postal", "postcode", "zip", "postalcode", "zipcode"})),
    ("phone", frozenset({"phone", "mobile", "telephone"})),
    ("address", frozenset({"address"})),
    ("plan", frozenset({"plan", "tier", "edition", "membership"})),
    ("date", frozenset({"date", "day", "on", "until", "since", "birthday"})),
)


@dataclass(frozen=True)
class Argument:
    """One argument of a tool.

    Attributes:
        name: As in the schema.
        kind: How it is looked for in a text.
        schema: The schema itself, without references and without null.
        is_required: Whether the tool refuses to run without it.
    """

    name: str
    kind: Kind
    schema: dict[str, Any]
    is_required: bool = True

    @property
    def choices(self) -> list[Any]:
        if "const" in self.schema:
            return [self.schema["const"]]
        return list(self.schema.get("enum", []))

    @property
    def pattern(self) -> str | None:
        return self.schema.get("pattern")

    @property
    def nouns(self) -> set[str]:
        """The words that name the thing: {"order"} for order_number."""
        parts = set(self.name.lower().split("_")) - CODE_ENDS - {"new", "of", "is"}
        return parts or {self.name.lower()}

    @property
    def label(self) -> str:
        """The name in words: "order number"."""
        return self.name.replace("_", " ")


def arguments_of(function: dict[str, Any]) -> list[Argument]:
    """Return the arguments of an OpenAI function, in the schema's order."""
    parameters = function.get("parameters") or {}
    required = set(parameters.get("required", []))
    definitions = parameters.get("$defs", {})
    return [
        argument(name, _plain(schema, definitions), is_required=name in required)
        for name, schema in parameters.get("properties", {}).items()
    ]


def argument(name: str, schema: dict[str, Any], *, is_required: bool = True) -> Argument:
    """Return one argument; `schema` has no references any more."""
    return Argument(name, _kind(name, schema), schema, is_required)


def _plain(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Follow the reference, and take the first alternative that is not null."""
    outer = {k: v for k, v in schema.items() if k not in ("$ref", "anyOf", "oneOf", "allOf")}
    if "$ref" in schema:
        inner = definitions.get(str(schema["$ref"]).rpartition("/")[2], {})
        return {**_plain(inner, definitions), **outer}
    for key in ("anyOf", "oneOf", "allOf"):
        options = [one for one in schema.get(key, []) if one.get("type") != "null"]
        if options:
            return {**_plain(options[0], definitions), **outer}
    return outer


def _kind(name: str, schema: dict[str, Any]) -> Kind:
    parts = set(name.lower().split("_"))
    if "enum" in schema or "const" in schema:
        return "choice"
    kind = schema.get("type", "string")
    if kind == "boolean":
        return "boolean"
    if kind in ("integer", "number"):
        return _number_kind(parts, schema)
    if schema.get("format") == "email":
        return "email"
    if schema.get("format") in ("date", "date-time"):
        return "date"
    for named, words in _NAMED:
        if parts & words:
            return named
    if parts & REQUEST:
        return "request"
    if is_strict(schema.get("pattern")) or name.lower().split("_")[-1] in CODE_ENDS:
        return "code"
    return "words" if parts & WORDS else "text"


def _number_kind(parts: set[str], schema: dict[str, Any]) -> Kind:
    about = parts | set(re.findall(r"[a-z]+", str(schema.get("description", "")).lower()))
    if about & {"percent", "percentage"}:
        return "percent"
    if schema.get("type") == "number" and about & {"amount", "price", "money", "sum", "total"}:
        return "amount"
    if parts & {"amount", "price", "sum", "total"}:
        return "amount"
    if parts & CODE_ENDS:
        return "code"
    return "integer" if schema.get("type") == "integer" else "number"


def is_strict(pattern: str | None) -> bool:
    """Return whether a pattern tells a code from ordinary words."""
    if not pattern:
        return False
    try:
        return not any(re.search(pattern, word) for word in EVERYDAY_WORDS)
    except re.error:
        return False
