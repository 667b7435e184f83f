"""Whether a database with a million conversations answers as an empty one: `python -m bench growth`.

The product holds a few conversations; one database keeps these, in another they are copied until there are enough. The
hot queries are measured on both in turns, and then the purge on the full one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.numbers import medians
from bench.stack import Bare, Stack

# For the offline model, which needs the demo's customer and orders.
DEMO = {"DEBUG": "", "OPENAI_BASE_URL": "", "OPENAI_API_KEY": ""}


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        copies: Of each of ten sample conversations.
        times: Each hot query a round.
        rounds: On either database, in turns.
        purged: Conversations deleted at the end.
    """

    copies: int
    times: int
    rounds: int
    purged: int


FULL = Plan(copies=100_000, times=40, rounds=5, purged=20_000)
QUICK = Plan(copies=20, times=3, rounds=1, purged=50)


def measure(stack: Stack, plan: Plan) -> dict[str, Any]:
    """Return the milliseconds of each hot query on either database, and how fast the purge is."""
    empty = stack.start_growing("empty", **DEMO)
    sampled = empty.ask(do="sample")
    full = stack.start_growing("full", **DEMO)
    full.ask(do="sample")
    return {"sampled": sampled, **compare(empty, full, plan)}


def compare(empty: Bare, full: Bare, plan: Plan) -> dict[str, Any]:
    """Fill the one, and measure on both in turns."""
    filled = full.ask(do="multiply", copies_of_each=plan.copies)
    for process in (empty, full):
        process.ask(do="measure", times=1)  # what is loaded late is loaded then
    rounds = [
        (empty.ask(do="measure", times=plan.times), full.ask(do="measure", times=plan.times))
        for _ in range(plan.rounds)
    ]
    on_empty = medians([one for one, _ in rounds])
    on_full = medians([one for _, one in rounds])
    return {
        "filled": filled,
        "bytes_a_conversation": {
            table: round(sum(size.values()) / filled["conversations"])
            for table, size in filled["bytes"].items()
        },
        "empty": on_empty,
        "full": on_full,
        "ratio": {
            name: round(on_full[name]["p50"] / on_empty[name]["p50"], 2) for name in on_empty
        },
        "purge": full.ask(do="purge", count=plan.purged),
    }


def table(database: str, result: dict[str, Any]) -> str:
    """Return the result for people."""
    lines = [
        f"\n{database}, {result['filled']['conversations']:,} conversations; ms, p50",
        f"{'':26}{'empty':>10}{'full':>10}{'ratio':>8}",
    ]
    for name, ratio in result["ratio"].items():
        on_empty, on_full = result["empty"][name]["p50"], result["full"][name]["p50"]
        lines.append(f"{name:26}{on_empty:>10.1f}{on_full:>10.1f}{ratio:>8.2f}")
    total = sum(result["bytes_a_conversation"].values())
    lines.append(f"bytes a conversation, with indexes: {total:,}")
    purge = result["purge"]
    lines.append(
        f"purge: {purge['conversations_per_second']} conversations, {purge['rows_per_second']} rows a second; "
        f"CPU {purge['cpu_ms_each']} ms each"
    )
    return "\n".join(lines)
