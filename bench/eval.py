"""`python -m bench eval`: how well the offline model understands messages that nobody here wrote."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import report
from bench.eval_files import is_measured, measure_file
from bench.eval_rows import Readers, installed_templates
from bench.eval_start import measure_start
from bench.stack import ROOT

DEFAULT_DATA = ROOT.parent / "shared" / "eval" / "dev"
COLUMNS = (
    "n", "intent_accuracy", "agent_accuracy", "auroc", "detection_rate", "false_alarm_rate", "order_accuracy", "f1",
    "end_to_end_accuracy", "ms_per_message_cpu",
)  # fmt: skip


def run(data: Path, results: Path) -> int:
    """Measure every file of a folder; return the exit status."""
    files = sorted(path for path in data.glob("*.jsonl") if is_measured(path))
    if not files:
        print(
            f"there is nothing to measure in {data}; give the folder with the evaluation's *.jsonl: make eval DATA=…",
            file=sys.stderr,
        )
        return 2
    content: dict[str, Any] = {"run": report.describe_run(), "files": []}
    with tempfile.TemporaryDirectory() as folder:
        _set_up(Path(folder))
        readers = Readers(data, Path(folder), installed_templates())
        for path in files:
            line = measure_file(path, readers)
            content["files"].append(line)
            print(json.dumps(line), flush=True)
        content["start"] = measure_start(readers.installed, Path(folder))
    print(table(content), file=sys.stderr)
    print(f"\nwritten: {report.write('eval', content, results).name}", file=sys.stderr)
    return 0


def _set_up(folder: Path) -> None:
    """Open Django, for the installed verticals, on data of its own; nothing is asked of its database."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportsite.settings")
    os.environ.setdefault("DATA_DIR", str(folder))
    django.setup()


def table(content: dict[str, Any]) -> str:
    """Return the figures for people."""
    lines = ["", f"{'':28}" + "".join(f"{name.replace('_', ' ')[:15]:>16}" for name in COLUMNS)]
    for line in content["files"]:
        lines.append(_line(line["file"], line))
        for group in ("scopes", "domains"):
            lines += [_line(f"  {name}", part) for name, part in line.get(group, {}).items()]
        for slot, right in line.get("slot_accuracy", {}).items():
            raw = line["slot_accuracy_as_labelled"][slot]
            lines.append(f"  {slot:26}{100 * right:>15.1f}%   as labelled {100 * raw:.1f}%")
        if line.get("slots_not_read"):
            lines.append(f"  not read: {', '.join(line['slots_not_read'])}")
        if line.get("not_installed"):
            lines.append(
                f"  not installed: {', '.join(line['not_installed'])} ({line['rows_left_out']} rows)"
            )
    start = content["start"]
    if start:
        lines.append(
            f"start with a warm cache: {start['seconds']} s; memory added: {start['memory_mb']} MB"
        )
    return "\n".join(lines)


def _line(name: str, figures: dict[str, Any]) -> str:
    return f"{name:28}" + "".join(f"{_cell(figures.get(column), column):>16}" for column in COLUMNS)


def _cell(value: float | None, column: str) -> str:
    if value is None:
        return ""
    if column == "n":
        return str(value)
    return f"{value:.1f}" if column.startswith("ms") else f"{100 * value:.1f}%"
