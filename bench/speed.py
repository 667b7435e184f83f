"""The closed loop: so many customers at once, each of whom writes again as soon as the answer is whole.

Platform, handler and bare graph alternate, first with the model over HTTP and then with the model in the process.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uvloop

from bench import report
from bench.answers import TOKENS
from bench.client import Turn, gather_customers
from bench.goals import Goal
from bench.numbers import in_ms, medians
from bench.stack import Stack, Web

STREAMS = ("updates", "messages")


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        models: Over HTTP, and in the process.
        repetitions: Of platform, handler and bare graph, alternating.
        conversations: At once.
        turns: Of each conversation, in each repetition.
        long_tokens: Of the answers that show, beside the usual ones, what a token costs.
        alone_turns: Of one conversation with nobody else there; measured once, at the end.
    """

    models: tuple[str, ...]
    repetitions: int
    conversations: int
    turns: int
    long_tokens: int
    alone_turns: int


FULL = Plan(
    models=("http", "instant"),
    repetitions=3,
    conversations=16,
    turns=6,
    long_tokens=250,
    alone_turns=30,
)
QUICK = Plan(
    models=("http",),
    repetitions=1,
    conversations=4,
    turns=2,
    long_tokens=250,
    alone_turns=2,
)
ROWS = (
    ("messages a second", "turns_per_second", None),
    ("turn p50, ms", "latency_ms", "p50"),
    ("turn p95, ms", "latency_ms", "p95"),
    ("first token p50, ms", "first_token_ms", "p50"),
    ("first token p95, ms", "first_token_ms", "p95"),
    ("CPU a turn, ms", "cpu_ms_per_turn", "server"),
    ("CPU a token, µs", "cpu_us_per_token", None),
    ("PostgreSQL's CPU, ms", "cpu_ms_per_turn", "postgres"),
    ("Valkey's CPU, ms", "cpu_ms_per_turn", "valkey"),
    ("the model's CPU, ms", "cpu_ms_per_turn", "model"),
    ("the clients' CPU, ms", "cpu_ms_per_turn", "client"),
    ("writes a turn", "writes_per_turn", None),
    ("frames a turn", "frames_per_turn", None),
    ("memory, MB", "rss_mb", None),
)
COLUMNS = ("platform", "handler", "bare_updates", "bare_messages", "platform_alone")
PRICED_BY_TOKEN = ("platform", "handler", "bare_updates")
# Measures so many conversations at once, so many turns each, of so many tokens.
Subject = Callable[[int, int, int], dict[str, Any]]


async def converse_at_once(
    web: Web, conversations: int, turns: int, tokens: int = TOKENS
) -> dict[str, Any]:
    """Measure new conversations, all at once. Connecting is not part of it."""
    customers = await gather_customers(web.ws_url, conversations, web.hello)
    writes = web.count_writes()
    cpu, own_cpu, began = web.cpu_seconds(), time.process_time(), time.perf_counter()
    talks = await asyncio.gather(*(customer.converse(turns, tokens) for customer in customers))
    seconds, own_cpu = time.perf_counter() - began, time.process_time() - own_cpu
    spent = {name: after - cpu[name] for name, after in web.cpu_seconds().items()}
    writes = web.count_writes() - writes
    await asyncio.gather(*(customer.leave() for customer in customers))
    all_turns = [turn for talk in talks for turn in talk]
    figures = _figures(all_turns, seconds, {**spent, "client": own_cpu}, web.rss_bytes)
    return {**figures, "writes_per_turn": round(writes / len(all_turns), 2)}


def _figures(
    turns: list[Turn], seconds: float, spent: dict[str, float], rss_bytes: int
) -> dict[str, Any]:
    count = len(turns)
    return {
        "turns": count,
        "turns_per_second": round(count / seconds, 2),
        "latency_ms": in_ms([turn.complete for turn in turns]),
        "first_token_ms": in_ms([turn.first_token for turn in turns]),
        "accepted_ms": in_ms([turn.accepted for turn in turns]),
        "frames_per_turn": round(sum(turn.frames for turn in turns) / count, 2),
        "cpu_ms_per_turn": {name: round(cpu * 1000 / count, 3) for name, cpu in spent.items()},
        "rss_mb": round(rss_bytes / 1e6, 1),
    }


def open_subjects(stack: Stack, model: str) -> dict[str, Subject]:
    """Start what is compared, all with this model."""
    web = stack.start_web(f"web-{model}", BENCH_MODEL=model)
    handler = stack.start_handler(f"handler-{model}", BENCH_MODEL=model)
    bare = stack.start_bare(f"bare-{model}", BENCH_MODEL=model)
    web.wait_until_ready()
    handler.wait_until_ready()

    def ask_web(web: Web) -> Subject:
        return lambda *load: uvloop.run(converse_at_once(web, *load))

    def ask_bare(stream_mode: str) -> Subject:
        def ask(conversations: int, turns: int, tokens: int) -> dict[str, Any]:
            load = {"conversations": conversations, "turns": turns, "tokens": tokens}
            writes = stack.count_writes()
            figures = bare.ask(**load, stream_mode=stream_mode)
            writes = stack.count_writes() - writes
            return {**figures, "writes_per_turn": round(writes / figures["turns"], 2)}

        return ask

    return {
        "platform": ask_web(web),
        "handler": ask_web(handler),
        **{f"bare_{stream}": ask_bare(stream) for stream in STREAMS},
    }


def measure(stack: Stack, plan: Plan) -> dict[str, Any]:
    """Return the figures of each model."""
    return {model: measure_model(stack, plan, model) for model in plan.models}


def measure_model(stack: Stack, plan: Plan, model: str) -> dict[str, Any]:
    """Measure the platform, the handler and the bare graph, alternating.

    Returns:
        Medians by what was measured, "repetitions" with every single measurement, and what follows from them.
    """
    subjects = open_subjects(stack, model)
    for subject in subjects.values():  # imports, compiles and fills caches
        subject(plan.conversations, 2, TOKENS)
    measured: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for _ in range(plan.repetitions):
        for name, subject in subjects.items():
            measured[name].append(subject(plan.conversations, plan.turns, TOKENS))
        for name in PRICED_BY_TOKEN if model == "http" else ():
            figures = subjects[name](plan.conversations, plan.turns, plan.long_tokens)
            measured[f"{name}_long"].append(figures)
    result: dict[str, Any] = {name: medians(values) for name, values in measured.items()}
    result["platform_alone"] = subjects["platform"](1, plan.alone_turns, TOKENS)
    return {**result, "derived": derive(result, plan), "repetitions": measured}


def derive(result: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """Return the ratios, and what a token costs in CPU time."""
    ours, handler, bare = result["platform"], result["handler"], result["bare_updates"]
    cpu = ours["cpu_ms_per_turn"]["server"]

    def cpu_us_per_token(name: str) -> float:
        short, long = (result[key]["cpu_ms_per_turn"]["server"] for key in (name, f"{name}_long"))
        return round((long - short) * 1000 / (plan.long_tokens - TOKENS), 1)

    return {
        "turns_per_second_to_handler": _ratio(ours, handler, "turns_per_second"),
        "cpu_to_handler": round(cpu / handler["cpu_ms_per_turn"]["server"], 3),
        "cpu_to_bare": round(cpu / bare["cpu_ms_per_turn"]["server"], 3),
        "first_token_sooner": round(
            handler["first_token_ms"]["p50"] / ours["first_token_ms"]["p50"], 2
        ),
        "writes_a_turn": ours["writes_per_turn"],
        "cpu_us_per_token": {
            name: cpu_us_per_token(name) for name in PRICED_BY_TOKEN if f"{name}_long" in result
        },
    }


def find_goals(result: dict[str, Any]) -> list[Goal]:
    http = result["http"]["derived"]
    rate = "messages/s, platform / handler"
    goals = [
        Goal(f"{rate}, HTTP", http["turns_per_second_to_handler"], 8, is_least=True),
        Goal("CPU a turn, platform / handler, HTTP", http["cpu_to_handler"], 0.125),
        Goal("CPU a turn, platform / bare graph, HTTP", http["cpu_to_bare"], 1.0),
        Goal("CPU a token, HTTP, µs", http["cpu_us_per_token"]["platform"], 100),
        Goal("first token p50, times sooner, HTTP", http["first_token_sooner"], 2, is_least=True),
    ]
    if http["writes_a_turn"]:
        goals.append(Goal("writing transactions a turn", http["writes_a_turn"], 2))
    if "instant" in result:
        ratio = result["instant"]["derived"]["turns_per_second_to_handler"]
        goals.append(Goal(f"{rate}, in process", ratio, 5, is_least=True))
    return goals


def _ratio(one: dict[str, Any], other: dict[str, Any], name: str) -> float:
    return round(one[name] / other[name], 2)


def table(database: str, result: dict[str, Any]) -> str:
    """Return the figures of each model for people."""
    tables = []
    for model, measured in result.items():
        tokens = measured["derived"]["cpu_us_per_token"]
        columns = {name: dict(measured[name]) for name in COLUMNS}
        for name, cpu in tokens.items():
            columns[name]["cpu_us_per_token"] = cpu
        tables.append(report.table(f"{database}, {model}", columns, ROWS))
    return "\n".join(tables)
