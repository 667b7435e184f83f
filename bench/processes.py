"""What more web processes bring, and what pgbouncer costs: `python -m bench processes`. Best with PostgreSQL.

The model answers in the web process, so that what is spread is the platform's own work.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from itertools import chain
from typing import Any

import uvloop

from bench.client import gather_customers
from bench.numbers import in_ms, medians
from bench.stack import Stack, Web


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        processes: Numbers of web processes, each measured by itself.
        repetitions: Of each number.
        conversations: At once, spread over the processes.
        turns: Of each conversation, in each repetition.
    """

    processes: tuple[int, ...]
    repetitions: int
    conversations: int
    turns: int


FULL = Plan(processes=(1, 2, 4), repetitions=3, conversations=32, turns=12)
QUICK = Plan(processes=(2,), repetitions=1, conversations=4, turns=1)


def measure(stack: Stack, plan: Plan) -> dict[str, Any]:
    """Return the figures of each number of web processes, and of two behind pgbouncer where it is installed."""
    result = {}
    for count in plan.processes:
        webs = stack.start_webs(count, f"web-{count}", BENCH_MODEL="instant")
        result[f"{count} web"] = _measure(webs, plan)
    if stack.can_pool:
        webs = stack.start_webs(2, "pooled", is_pooled=True, BENCH_MODEL="instant")
        result["2 web, pgbouncer"] = _measure(webs, plan)
    return result


ROWS = (
    ("messages a second", "turns_per_second", None),
    ("turn p50, ms", "latency_ms", "p50"),
    ("turn p95, ms", "latency_ms", "p95"),
    ("first token p50, ms", "first_token_ms", "p50"),
    ("CPU a turn, web, ms", "cpu_ms_per_turn", "server"),
    ("  PostgreSQL's, ms", "cpu_ms_per_turn", "postgres"),
    ("  Valkey's, ms", "cpu_ms_per_turn", "valkey"),
    ("  the clients', ms", "cpu_ms_per_turn", "clients"),
    ("cores busy", "cores_busy", None),
)


def table(database: str, result: dict[str, Any]) -> str:
    """Return the result for people."""
    lines = ["", f"{database:22}" + "".join(f"{name:>18}" for name in result)]
    for label, name, part in ROWS:
        found = [one[name] if part is None else one[name].get(part, 0.0) for one in result.values()]
        lines.append(f"{label:22}" + "".join(f"{value:>18.2f}" for value in found))
    return "\n".join(lines)


def _measure(webs: list[Web], plan: Plan) -> dict[str, Any]:
    try:
        for web in webs:
            web.wait_until_ready()
        uvloop.run(_converse(webs, plan.conversations, 2))  # fills caches; not measured
        measured = [
            uvloop.run(_converse(webs, plan.conversations, plan.turns))
            for _ in range(plan.repetitions)
        ]
        return {**medians(measured), "repetitions": measured}
    finally:
        for web in webs:
            web.process.terminate()
            web.process.wait()


async def _converse(webs: list[Web], conversations: int, turns: int) -> dict[str, Any]:
    each = conversations // len(webs)
    groups = await asyncio.gather(*(gather_customers(web.ws_url, each) for web in webs))
    customers = list(chain(*groups))
    before, own, began = _spent(webs), time.process_time(), time.perf_counter()
    talks = await asyncio.gather(*(customer.converse(turns) for customer in customers))
    seconds = time.perf_counter() - began
    after, own = _spent(webs), time.process_time() - own
    await asyncio.gather(*(customer.leave() for customer in customers))
    all_turns = list(chain(*talks))
    spent = {name: after[name] - before[name] for name in after} | {"clients": own}
    return {
        "turns_per_second": round(len(all_turns) / seconds, 2),
        "latency_ms": in_ms([turn.complete for turn in all_turns]),
        "first_token_ms": in_ms([turn.first_token for turn in all_turns]),
        "cpu_ms_per_turn": {n: round(cpu * 1000 / len(all_turns), 3) for n, cpu in spent.items()},
        "cores_busy": round(sum(spent.values()) / seconds, 2),
        "load": round(os.getloadavg()[0], 2),
    }


def _spent(webs: list[Web]) -> dict[str, float]:
    spent = webs[0].cpu_seconds()
    spent["server"] = sum(web.cpu_seconds()["server"] for web in webs)
    return spent
