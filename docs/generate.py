"""Write the generated parts of docs/reference from the code: `python docs/generate.py`; `--check` only compares.

A page holds its parts between `<!-- generated: NAME -->` and `<!-- end -->`; everything else in it is written by hand.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
REFERENCE = DOCS / "reference"
PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Schema = dict[str, Any]
# Types of templates that have a name in docs/reference/template.md: (pattern, shortest, longest).
SHORT = {
    ("^[a-z][a-z0-9_]{0,39}$", None, None): "name",
    (None, 1, 500): "line",
    (None, 1, 20_000): "text",
}


class NoteMissing(Exception):  # noqa: N818 - it says what is missing
    """Something new has no description; the text says where to write it."""


@cache
def notes() -> dict[str, dict[str, str]]:
    return yaml.safe_load((REFERENCE / "notes.yaml").read_text())


def note(group: str, *names: str) -> str:
    """Return the description of the first name that has one."""
    for name in names:
        if name in notes()[group]:
            return " ".join(notes()[group][name].split())
    raise NoteMissing(f"docs/reference/notes.yaml: {group}: describe {names[0]}")


# --- Markdown ---


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(value: object) -> str:
    return f"`{value}`"


def words(items: Iterable[object]) -> str:
    return " ".join(code(item) for item in items)


# --- types, from JSON Schema ---


def kind(schema: Schema) -> str:
    """Return a JSON Schema's type in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        empty = ({"type": "null"}, {"const": "", "type": "string"})
        kinds = [part for part in schema["anyOf"] if part not in empty]
        if any(part.get("type") == "number" for part in kinds):
            return kind(next(part for part in kinds if part.get("type") == "number"))
        return " or ".join(kind(part) for part in kinds)
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return words(schema["enum"])
    simple = {"boolean": "true or false", "object": "object"}
    inner = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    if schema.get("type") == "object" and (
        values := [part for part in inner if isinstance(part, dict) and part]
    ):
        return f"mapping of name to {kind(values[0])}"
    if schema.get("type") == "array":
        return f"list of {kind(schema['items'])}" + _bounds(schema, "Items", "")
    if schema.get("type") in ("integer", "number"):
        return _number(schema)
    if schema.get("type") == "string":
        return _string(schema)
    return simple.get(schema.get("type", ""), "anything")


def _number(schema: Schema) -> str:
    text = "whole number" if schema["type"] == "integer" else "number"
    low, high = schema.get("minimum"), schema.get("maximum")
    if high == 2**31 - 1:  # what the database holds, and no rule of its own
        high = None
    if low is not None and high is not None:
        return f"{text}, {_plain(low)} to {_plain(high)}"
    limits = {"above": schema.get("exclusiveMinimum"), "at least": low, "at most": high}
    return ", ".join(
        [text, *(f"{form} {_plain(value)}" for form, value in limits.items() if value is not None)]
    )


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _string(schema: Schema) -> str:
    if (schema.get("pattern"), schema.get("minLength"), schema.get("maxLength")) in SHORT:
        return SHORT[schema.get("pattern"), schema.get("minLength"), schema.get("maxLength")]
    if schema.get("format") in ("path", "date", "date-time"):
        return {"date": "date", "date-time": "time"}.get(schema["format"], "path")
    text = "text" + _bounds(schema, "Length", " characters")
    pattern = schema.get("pattern", "")
    if pattern == r"^[^\x00]*$":
        return text + ", no NUL"
    return f"{text}, {code(pattern)}" if pattern else text


def _bounds(schema: Schema, what: str, unit: str) -> str:
    low, high = schema.get(f"min{what}", 0), schema.get(f"max{what}")
    if high is None:
        return f", at least {low}{unit}" if low > 1 else ""
    span = f"{low} to {high}" if low else f"at most {high}"
    return f", {span}{unit}"


# --- protocol.md ---


def client_frames() -> str:
    from conversations.protocol import FRAMES

    parts = []
    for name, model in FRAMES.items():
        schema = model.model_json_schema()
        required = schema.get("required", [])
        rows = [
            [
                code(field),
                kind(part),
                "yes" if field in required else "",
                note("client_fields", f"{name}.{field}", field),
            ]
            for field, part in schema["properties"].items()
        ]
        rows.sort(key=lambda row: row[0] != "`type`")
        doc = inspect.getdoc(model)
        parts.append(
            f"### `{name}` (client)\n\n{doc}\n\n"
            + table(["field", "type", "required", "meaning"], rows)
        )
    return "\n\n".join(parts)


def events() -> str:
    from conversations.events import FRAMES

    parts = []
    for fact in FRAMES:
        rows = [
            [
                code(field.name),
                _annotation(str(field.type)),
                "" if "None" in str(field.type) else "yes",
                note("event_fields", f"{fact.type}.{field.name}", field.name),
            ]
            for field in dataclasses.fields(fact)
        ]
        parts.append(
            f"### `{fact.type}`\n\n{inspect.getdoc(fact)} The fact is called `{fact.name}`.\n\n"
            + table(["field", "type", "always", "meaning"], rows)
        )
    return "\n\n".join(parts)


def _annotation(text: str) -> str:
    text = text.removesuffix(" | None")
    known = {"str": "text", "list[str]": "list of text", "dict[str, Any]": "object"}
    return known.get(text, text)


def errors() -> str:
    from conversations import errors as module

    found: dict[str, list[type[Any]]] = {}
    for error in vars(module).values():
        is_error = isinstance(error, type) and issubclass(error, module.ConversationsError)
        # The retry prompt answers this one, not an error frame.
        if is_error and error is not module.InterruptExpired:
            found.setdefault(error.code, []).append(error)
    base = found.pop("internal_error")  # last, as it is for whatever else happens
    rows = []
    for name, classes in [*found.items(), ("internal_error", base)]:
        closes = [c.close_code for c in classes if c.close_code]
        text = "Invalid FIELD" if name == "invalid_field" else classes[0].text
        closing = f"{closes[0]}, on a flood" if closes and len(classes) > 1 else None
        closing = closing or (str(closes[0]) if closes else "")
        rows.append([code(name), text, note("errors", name), closing])
    return table(["code", "message", "when", "closes with"], rows)


# --- settings.md ---


def settings() -> str:
    from supportsite.env import Environment

    schema = Environment.model_json_schema()
    described = read_example()
    rows = []
    for name, part in schema["properties"].items():
        if name not in described:
            raise NoteMissing(f".env.example: add {name} with a comment above it")
        rows.append([code(name), kind(part), *described[name]])
    return table(["variable", "type", "default", "meaning"], rows)


def read_example() -> dict[str, tuple[str, str]]:
    """Return the variables of .env.example: name → (default, meaning), from the comment above each."""
    found: dict[str, tuple[str, str]] = {}
    comment: list[str] = []
    for line in (ROOT / ".env.example").read_text().splitlines():
        if match := re.match(r"#?([A-Z_]+)=", line):
            text = " ".join(comment)
            default = re.search(r" ?Default: (.*?)\.(?= |$)", text)
            meaning = text.replace(default[0], "") if default else text
            found[match[1]] = (default[1] if default else "", meaning.strip())
        elif line.startswith("# ") and not line.startswith("# ---"):
            comment.append(line[2:])
            continue
        comment = []
    return found


# --- template.md ---


def template_keys() -> str:
    from agents.spec import TemplateSpec

    root = TemplateSpec.model_json_schema(mode="validation")
    models: dict[str, Schema] = {"TemplateSpec": root, **root["$defs"]}
    order = ["TemplateSpec", "AgentSpec", "ToolUse", "Limits", "Lookup", "IntentSpec"]
    order += [name for name in models if name not in order]
    return "\n\n".join(_template_part(name, models[name]) for name in order)


def _template_part(name: str, schema: Schema) -> str:
    doc, described = _docstring(name)
    rows = []
    for key, part in schema["properties"].items():
        text = described.get(key) or note("template_keys", f"{name}.{key}")
        needed = key in schema.get("required", [])
        rows.append([code(key), kind(part), "required" if needed else _spec_default(part), text])
    return f"### {name}\n\n{doc}\n\n" + table(["key", "type", "default", "meaning"], rows)


def _docstring(name: str) -> tuple[str, dict[str, str]]:
    """Return a spec's description and that of its attributes."""
    from agents import spec

    doc, _, rest = (inspect.getdoc(getattr(spec, name)) or "").partition("\n\nAttributes:\n")
    described: dict[str, str] = {}
    key = ""
    for line in rest.splitlines():
        if match := re.match(r" {4}(\w+): (.*)", line):
            key = match[1]
            described[key] = match[2]
        elif key:
            described[key] += " " + line.strip()
    return doc.replace(" See docs/reference/template.md.", ""), described


def _spec_default(part: Schema) -> str:
    value = part.get("default")
    if value in (None, [], {}, "") or isinstance(value, dict) or "$ref" in part:
        return ""
    if isinstance(value, list):
        return words(value)
    return f'"{value}"' if " " in str(value) else code(value)


# --- tools.md ---


def installed_tools() -> str:
    from agents.registry import list_tools

    by_app: dict[str, list[Any]] = {}
    for label, tool in sorted(list_tools(), key=lambda item: item[1].name):
        by_app.setdefault(label, []).append(tool)
    return "\n\n".join(
        f"### {app}\n\n" + "\n\n".join(_tool_part(tool) for tool in tools)
        for app, tools in sorted(by_app.items())
    )


def _tool_part(tool: Any) -> str:
    schema = tool.args_model.model_json_schema()
    required = schema.get("required", [])
    rows = [
        [
            code(name),
            kind(part),
            "yes" if name in required else "",
            part.get("description") or _inner_description(part),
        ]
        for name, part in schema["properties"].items()
    ]
    text = f"#### `{tool.name}` ({tool.effect})\n\n{tool.description}"
    if rows:
        text += "\n\n" + table(["argument", "type", "required", "meaning"], rows)
    return text


def _inner_description(part: Schema) -> str:
    return next((p["description"] for p in part.get("anyOf", []) if "description" in p), "")


def policies() -> str:
    from agents.loading import read_template
    from agents.registry import get_tools, list_template_files

    parts = []
    for file in list_template_files():
        spec = read_template(file.path, source=file.source)
        rows = [
            [code(use.name), code(agent.name), _policy(use)]
            for agent in spec.agents
            for use in agent.tools
            if get_tools(file.label)[use.name].is_write
        ]
        parts.append(
            f"### {spec.name} (`{spec.slug}`)\n\n" + table(["write", "agent", "approved by"], rows)
        )
    return "\n\n".join(parts)


def _policy(use: Any) -> str:
    names = {"none": "nobody", "customer": "the customer", "staff": "staff"}
    if use.limits is None:
        return names[use.approver or "customer"]
    steps = [
        f"{names[who]} up to {getattr(use.limits, who)}"
        for who in names
        if getattr(use.limits, who) is not None
    ]
    return f"by {code(use.limits.measure)}: " + ", ".join(steps) + "; never above"


# --- webhooks.md ---


def webhook_events() -> str:
    from escalation.webhooks.schemas import EVENT_TYPES, TEST

    return "\n\n".join(_event_part(kind) for kind in [*EVENT_TYPES.values(), TEST])


def _event_part(event_type: Any) -> str:
    schema = event_type.make_schema()
    parts = schema["properties"]["data"]["properties"]
    rows = [
        [
            code(f"data.{key}.{field}"),
            kind(value) + (" or null" if _may_be_null(value) else ""),
            value.get("description", ""),
        ]
        for key, part in parts.items()
        for field, value in part["properties"].items()
    ]
    return "\n\n".join(
        [
            f"### `{event_type.name}`",
            event_type.meaning,
            table(["field", "type", "meaning"], rows),
            f"```json\n{json.dumps(event_type.make_example(), indent=2, ensure_ascii=False)}\n```",
            f"<details><summary>JSON Schema</summary>\n\n```json\n{json.dumps(schema, indent=1)}\n```\n\n</details>",
        ]
    )


def _may_be_null(schema: Schema) -> bool:
    return {"type": "null"} in schema.get("anyOf", [])


# --- commands.md ---


def make_targets() -> str:
    rows = re.findall(r"^([a-z-]+):[^#\n]*## (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return table(["command", "what it does"], [[code(f"make {name}"), text] for name, text in rows])


PARTS: dict[str, Callable[[], str]] = {
    "client-frames": client_frames,
    "events": events,
    "errors": errors,
    "settings": settings,
    "template-keys": template_keys,
    "installed-tools": installed_tools,
    "policies": policies,
    "webhook-events": webhook_events,
    "make-targets": make_targets,
}


def pages() -> list[Path]:
    """Return every page with a generated part."""
    return [page for page in sorted(DOCS.rglob("*.md")) if PART.search(page.read_text())]


def fill(text: str) -> str:
    """Return a page with its generated parts made anew."""
    return PART.sub(lambda match: match[1] + "\n" + PARTS[match[2]]() + "\n\n" + match[3], text)


def main(arguments: list[str]) -> int:
    stale = [page for page in pages() if fill(page.read_text()) != page.read_text()]
    for page in stale:
        if "--check" in arguments:
            sys.stderr.write(f"{page.relative_to(ROOT)} is out of date: python docs/generate.py\n")
        else:
            page.write_text(fill(page.read_text()))
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportsite.settings")
    import django

    django.setup()
    sys.exit(main(sys.argv[1:]))
