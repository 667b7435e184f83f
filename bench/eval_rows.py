"""The files of an evaluation, and the template that each of them is read with."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.offline.brain import Brain
from agents.offline.cache import get_brain
from agents.spec import TemplateSpec

Row = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """A template and what the offline model has learned from it."""

    template: TemplateSpec
    brain: Brain


@dataclass
class Readers:
    """The readers of an evaluation by name: the installed verticals, and templates made of files of examples."""

    folder: Path
    cache_dir: Path
    installed: dict[str, TemplateSpec]
    _open: dict[str, Reader] = field(default_factory=dict)

    def get(self, name: str) -> Reader | None:
        """Return the reader of that name; None when the vertical is not installed and has no file of examples."""
        if name not in self._open:
            template = self.installed.get(name) or template_from_examples(self.folder, name)
            if template is None:
                return None
            self._open[name] = Reader(template, get_brain(template, self.cache_dir))
        return self._open[name]


def read_rows(path: Path) -> list[Row]:
    """Return one JSON object a line."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def installed_templates() -> dict[str, TemplateSpec]:
    """Return vertical → its shipped template. Django must be set up."""
    from agents.loading import read_template
    from agents.registry import list_template_files

    return {
        file.label: read_template(file.path, source=file.source) for file in list_template_files()
    }


def template_from_examples(folder: Path, name: str) -> TemplateSpec | None:
    """Return a template made of what a bot's designers wrote; None when there is no such file."""
    path = folder / f"{name}_examples.jsonl"
    if not path.is_file():
        return None
    examples: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in read_rows(path):
        examples[row["agent"]][row["intent"]].append(row["text"])
    intents = {
        agent: [{"name": intent, "examples": texts[:200]} for intent, texts in of_agent.items()]
        for agent, of_agent in examples.items()
    }
    people = intents.pop("human", [])
    return TemplateSpec.model_validate(
        {
            "slug": "real",
            "name": name,
            "greeting": "Hello!",
            "agents": [
                {"name": agent, "label": agent, "description": agent, "prompt": agent, "intents": i}
                for agent, i in intents.items()
            ],
            "human": {"intents": people},
        }
    )
