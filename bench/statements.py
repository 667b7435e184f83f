"""What one turn asks of the database: each statement in order, and how often. `python -m bench --sql`."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.client import Customer
from bench.sql_log import describe
from bench.stack import Stack

TURNS = 5
# A run ends a moment after its last frame.
SETTLE_SECONDS = 0.3


def measure(stack: Stack, folder: Path) -> dict[str, Any]:
    """Return the statements of the last of a few turns of one conversation."""
    log = folder / "statements.jsonl"
    web = stack.start_web("sql", BENCH_SQL=str(log))
    web.wait_until_ready()
    marks: list[int] = []
    asyncio.run(_converse(web.ws_url, lambda: marks.append(len(log.read_text().splitlines()))))
    lines = log.read_text().splitlines()[slice(*marks)]
    statements = [json.loads(line) for line in lines]
    kinds = [describe(one["sql"]) for one in statements]
    return {
        "statements": len(kinds),
        "commits": kinds.count("COMMIT"),
        "by_kind": dict(Counter(kinds).most_common()),
        "in_order": kinds,
        "sql": [one["sql"] for one in statements],
    }


async def _converse(url: str, mark: Callable[[], None]) -> None:
    """Have a few turns, and mark the beginning and the end of the last one."""
    customer = await Customer.arrive(url)
    await customer.converse(TURNS)
    await asyncio.sleep(SETTLE_SECONDS)
    mark()
    await customer.ask()
    await asyncio.sleep(SETTLE_SECONDS)
    mark()
    await customer.leave()


def table(database: str, result: dict[str, Any]) -> str:
    head = f"\n{database}: {result['statements']} statements, {result['commits']} commits a turn"
    return "\n".join([head, *(f"{count:5}  {kind}" for kind, count in result["by_kind"].items())])
