"""Where results go: a JSON file to keep, a table to read."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.stack import ROOT

RESULTS = ROOT / "bench" / "results"
PACKAGES = (
    "django", "channels", "channels-redis", "uvicorn", "uvloop", "websockets", "langgraph", "langchain-core",
    "langgraph-checkpoint", "langgraph-checkpoint-sqlite", "langgraph-checkpoint-postgres", "langchain-openai",
    "openai", "fastapi", "psycopg", "pydantic",
)  # fmt: skip
PRODUCT = ("agents", "conversations", "escalation", "supportsite", "requirements.txt")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


def describe_run() -> dict[str, Any]:
    """Return when, of what, and on what kind of machine; nothing that names the machine."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "--short", "HEAD"),
        "has_uncommitted_changes": bool(_git("status", "--porcelain", "--", *PRODUCT)),
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.system(),
            "architecture": platform.machine(),
            "load_before": round(os.getloadavg()[0], 2),
        },
        "model": {name: os.environ.get(name, "0") for name in ("FIRST_TOKEN_MS", "TOKEN_MS")},
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def stamp(content: dict[str, Any]) -> str:
    """Return the part of file names that says when a result was made."""
    return datetime.fromisoformat(content["run"]["date"]).strftime("%Y%m%d-%H%M%S")


def write(kind: str, content: dict[str, Any], folder: Path) -> Path:
    """Keep a result as `kind-date.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{stamp(content)}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def _cell(measured: dict[str, Any], name: str, part: str | None) -> str:
    value = measured.get(name)
    if part is not None:
        value = (value or {}).get(part)
    return "" if value is None else f"{value:.6g}"


def table(
    title: str, columns: dict[str, dict[str, Any]], rows: Sequence[tuple[str, str, str | None]]
) -> str:
    """Return figures for people: a column for each thing measured, a row for each (label, name, part)."""
    lines = ["", f"{title:22}" + "".join(f"{name:>16}" for name in columns)]
    for label, name, part in rows:
        cells = [_cell(measured, name, part) for measured in columns.values()]
        if any(cells):
            lines.append(f"{label:22}" + "".join(f"{cell:>16}" for cell in cells))
    return "\n".join(lines)
