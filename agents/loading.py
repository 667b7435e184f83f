"""A template file becomes a TemplateSpec, or is refused with everything that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from agents.checking import Problem, find_registry_problems
from agents.errors import TemplateInvalid
from agents.spec import TemplateSpec
from agents.tools import SupportTool
from agents.wording import explain_validation
from agents.yaml_reader import Document, YamlRefused, read_document

MAX_PROBLEMS_SHOWN = 25


def read_template(
    path_or_text: Path | str | bytes,
    *,
    source: str,
    tools: Mapping[str, SupportTool] | None = None,
) -> TemplateSpec:
    """Return the template that a file or a text holds.

    Args:
        path_or_text: A file as `Path`, or YAML itself as text or bytes.
        source: How messages call it: the file's name, or "admin".
        tools: The registry; with it the tools that the template names are checked too.

    Raises:
        TemplateInvalid: One line for each mistake: source, line and column, path, value, what
            would be right.
        OSError: The file cannot be read.
    """
    raw = path_or_text.read_bytes() if isinstance(path_or_text, Path) else path_or_text
    try:
        document = read_document(raw)
    except YamlRefused as error:
        raise TemplateInvalid(f"{source}:{error}") from None
    spec = _validate(document, source)
    if tools is not None:
        problems = find_registry_problems(spec, tools)
        if problems:
            raise _invalid(source, problems, document)
    return spec


def check_against_registry(
    spec: TemplateSpec, tools: Mapping[str, SupportTool], *, source: str = "template"
) -> None:
    """Refuse a template that misuses the tools of this site.

    Raises:
        TemplateInvalid: One line for each mistake: source, path, value, what would be right.
    """
    problems = find_registry_problems(spec, tools)
    if problems:
        raise _invalid(source, problems, None)


def _validate(document: Document, source: str) -> TemplateSpec:
    try:
        # Strict, by way of JSON: `tokens: "12"` is a mistake, yet a Decimal may be a number.
        return TemplateSpec.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        problems = explain_validation(error, document.data)
    raise _invalid(source, problems, document)


def _invalid(source: str, problems: list[Problem], document: Document | None) -> TemplateInvalid:
    lines = []
    for problem in problems[:MAX_PROBLEMS_SHOWN]:
        place = source if document is None else f"{source}:{document.place(problem.loc)}"
        path = show_path(problem.loc)
        lines.append(": ".join(part for part in (place, path, problem.message) if part))
    if len(problems) > MAX_PROBLEMS_SHOWN:
        lines.append(f"{source}: … and {len(problems) - MAX_PROBLEMS_SHOWN} more")
    return TemplateInvalid("\n".join(lines))


def show_path(loc: tuple[str | int, ...]) -> str:
    """Return a place in a document as people write it: `agents[2].tools[0].name`."""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path
