"""Each file of the evaluation and its figures.

Everything is asked of the product: the router's decision, the reading behind it, and the extraction of arguments.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.offline.brain import Reading
from agents.routing import RouteDecision
from bench.eval_measures import auroc, f1, share
from bench.eval_rows import Reader, Readers, Row, read_rows
from bench.eval_slots import measure_slots

Measure = Callable[[list["Judged"]], dict[str, Any]]


@dataclass(frozen=True)
class Judged:
    """What the product makes of one row: the router's decision, and the reading behind it."""

    row: Row
    decision: RouteDecision
    reading: Reading
    seconds: float

    @property
    def agents(self) -> list[str]:
        return [intent.agent for intent in self.decision.intents]


def judge(row: Row, reader: Reader) -> Judged:
    """Let the router decide about a row as the first message of a conversation; timed by the process's CPU."""
    from langchain_core.messages import HumanMessage

    from agents.offline.router import decide, read_message

    before = time.process_time()
    decision = decide([HumanMessage(row["text"])], reader.brain, reader.template).decision
    seconds = time.process_time() - before
    return Judged(row, decision, read_message(row["text"], reader.brain), seconds)


def intents(judged: list[Judged]) -> dict[str, Any]:
    return {**_argmax(judged), **measure_slots([one.row for one in judged])}


def real(judged: list[Judged]) -> dict[str, Any]:
    inside = [one for one in judged if one.row["intent"] is not None]
    right = [_is_right(one) for one in judged]
    return {**_argmax(inside), **_outside(judged), "end_to_end_accuracy": share(right)}


def out_of_scope(judged: list[Judged]) -> dict[str, Any]:
    by_scope = _apart(judged, "scope", _outside)
    areas = [figures["auroc"] for figures in by_scope.values() if figures["auroc"] is not None]
    average = {"auroc": round(sum(areas) / len(areas), 4) if areas else None}
    return {**_outside(judged), **average, "scopes": by_scope}


def multi_intent(judged: list[Judged]) -> dict[str, Any]:
    return {**_several(judged), "domains": _apart(judged, "domain", _several)}


def ambiguous(judged: list[Judged]) -> dict[str, Any]:
    """Unclear rows have no domain: each is read with every template, and compared with that template's clear rows."""
    by_domain = _apart(judged, "domain", _unclear)
    areas = [figures["auroc"] for figures in by_domain.values() if figures["auroc"] is not None]
    average = {"auroc": round(sum(areas) / len(areas), 4) if areas else None}
    return {**_unclear(judged), **average, "domains": by_domain}


def _argmax(judged: list[Judged]) -> dict[str, Any]:
    return {
        "intent_accuracy": share(j.reading.topic.intent.name == j.row["intent"] for j in judged),
        "agent_accuracy": share(j.reading.topic.agent == j.row["agent"] for j in judged),
    }


def _is_right(one: Judged) -> bool:
    return one.agents == ([one.row["agent"]] if one.row["agent"] else [])


def _detection(judged: list[Judged], is_wanted: Callable[[Row], bool], is_found: Callable[[Judged], bool],
               score: Callable[[Judged], float]) -> dict[str, Any]:  # fmt: skip
    yes = [one for one in judged if is_wanted(one.row)]
    no = [one for one in judged if not is_wanted(one.row)]
    return {
        "auroc": auroc([score(one) for one in yes], [score(one) for one in no]),
        "detection_rate": share(is_found(one) for one in yes),
        "false_alarm_rate": share(is_found(one) for one in no),
    }


def _outside(judged: list[Judged]) -> dict[str, Any]:
    return _detection(
        judged,
        lambda row: bool(row["oos"] if "oos" in row else row["intent"] is None),
        lambda one: not one.agents,
        lambda one: one.reading.outsideness,
    )


def _unclear(judged: list[Judged]) -> dict[str, Any]:
    return _detection(
        judged,
        lambda row: bool(row["ambiguous"]),
        lambda one: one.decision.is_ambiguous,
        lambda one: one.reading.ambiguity,
    )


def _several(judged: list[Judged]) -> dict[str, Any]:
    wanted = [bool(one.row["multi"]) for one in judged]
    found = [len(one.agents) > 1 for one in judged]
    pairs = list(zip(found, wanted, strict=True))
    return {
        "detection_rate": share(f for f, w in pairs if w),
        "false_alarm_rate": share(f for f, w in pairs if not w),
        "order_accuracy": share(j.agents == j.row["agents"] for j in judged if j.row["multi"]),
        "f1": f1(found, wanted),
    }


def _apart(judged: list[Judged], key: str, measure: Measure) -> dict[str, Any]:
    names = sorted({one.row[key] for one in judged})
    return {name: measure([one for one in judged if one.row[key] == name]) for name in names}


MEASURES: dict[str, tuple[Measure, str]] = {
    # file: how it is measured, and the template's name or the field that gives it
    "ecommerce_intents": (intents, "=ecommerce"),
    "saas_intents": (intents, "=saas"),
    "fintech_intents": (intents, "=fintech"),
    "out_of_scope": (out_of_scope, "scope"),
    "multi_intent": (multi_intent, "domain"),
    "ambiguous": (ambiguous, "domain"),
}


def measure_file(path: Path, readers: Readers) -> dict[str, Any]:
    """Return one file's figures, and what of it could not be measured."""
    line: dict[str, Any] = {"file": path.stem}
    measure, source = MEASURES.get(path.stem, (real, f"={path.stem.removesuffix('_queries')}"))
    rows = _placed(read_rows(path), source)
    judged, missing = [], set()
    for name, row in rows:
        reader = readers.get(name)
        if reader is None:
            missing.add(name)
        else:
            judged.append(judge(row, reader))
    line["n"] = len(judged)
    if missing:
        line["not_installed"] = sorted(missing)
        line["rows_left_out"] = len(rows) - len(judged)
    if judged:
        line.update({name: value for name, value in measure(judged).items() if value is not None})
        line["ms_per_message_cpu"] = round(1000 * sum(j.seconds for j in judged) / len(judged), 2)
    return line


def _placed(rows: list[Row], source: str) -> list[tuple[str, Row]]:
    """Return each row with the name of its template; a row that belongs to none is read with each."""
    if source.startswith("="):
        return [(source[1:], row) for row in rows]
    names = sorted({row[source] for row in rows if row.get(source)})
    return [
        (name, {**row, source: name})
        for row in rows
        for name in ([row[source]] if row.get(source) else names)
    ]


def is_measured(path: Path) -> bool:
    name = path.stem
    return name in MEASURES or (name.startswith("real_") and not name.endswith("_examples"))
