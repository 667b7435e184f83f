"""The closed loop: so many customers at once, each of whom writes again as soon as the answer is whole."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from bench.client import Turn, gather_customers
from bench.numbers import in_ms, medians
from bench.stack import Bare, Stack, Web

STREAMS = ("updates", "messages")


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        repetitions: Of platform and bare graph, alternating.
        conversations: At once.
        turns: Of each conversation, in each repetition.
        alone_turns: Of one conversation with nobody else there; measured once, at the end.
    """

    repetitions: int
    conversations: int
    turns: int
    alone_turns: int


FULL = Plan(repetitions=5, conversations=16, turns=12, alone_turns=40)
QUICK = Plan(repetitions=2, conversations=16, turns=2, alone_turns=3)


async def converse_at_once(web: Web, conversations: int, turns: int) -> dict[str, Any]:
    """Measure new conversations, all at once. Connecting is not part of it."""
    customers = await gather_customers(web.ws_url, conversations)
    cpu, began = web.cpu_seconds(), time.perf_counter()
    talks = await asyncio.gather(*(customer.converse(turns) for customer in customers))
    seconds, cpu_after = time.perf_counter() - began, web.cpu_seconds()
    await asyncio.gather(*(customer.leave() for customer in customers))
    all_turns = [turn for talk in talks for turn in talk]
    spent = {name: cpu_after[name] - before for name, before in cpu.items()}
    return _figures(all_turns, seconds, spent, web.rss_bytes)


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


def measure(stack: Stack, plan: Plan) -> dict[str, Any]:
    """Measure the platform and the bare graph, alternating.

    Returns:
        Medians by what was measured, "repetitions" with every single measurement, and what follows from them.
    """
    web, bare = stack.start_web(), stack.start_bare()
    web.wait_until_ready()
    warm_up(web, bare, plan)
    measured: dict[str, list[dict[str, Any]]] = {
        "platform": [],
        **{f"bare_{s}": [] for s in STREAMS},
    }
    for _ in range(plan.repetitions):
        measured["platform"].append(
            asyncio.run(converse_at_once(web, plan.conversations, plan.turns))
        )
        for stream in STREAMS:
            question = {"conversations": plan.conversations, "turns": plan.turns}
            measured[f"bare_{stream}"].append(bare.ask(**question, stream_mode=stream))
    alone = asyncio.run(converse_at_once(web, 1, plan.alone_turns))
    bare_alone = bare.ask(conversations=1, turns=plan.alone_turns, stream_mode="updates")
    result: dict[str, Any] = {name: medians(values) for name, values in measured.items()}
    result |= {"platform_alone": alone, "bare_alone": bare_alone}
    return {**result, "derived": derive(result, measured["platform"]), "repetitions": measured}


def warm_up(web: Web, bare: Bare, plan: Plan) -> None:
    """Let both import, compile and fill their caches; this is not measured."""
    turns = 1 if plan is QUICK else 4
    asyncio.run(converse_at_once(web, plan.conversations, turns))
    for stream in STREAMS:
        bare.ask(conversations=plan.conversations, turns=turns, stream_mode=stream)


def derive(result: dict[str, Any], platform: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the ratios, what the platform itself costs, and how its memory grew."""
    ours, bare = result["platform"], result["bare_updates"]
    turns = sum(one["turns"] for one in platform[1:])
    grown_mb = platform[-1]["rss_mb"] - platform[0]["rss_mb"]
    cpu, bare_cpu = ours["cpu_ms_per_turn"]["server"], bare["cpu_ms_per_turn"]["server"]
    return {
        "turns_per_second_ratio": round(ours["turns_per_second"] / bare["turns_per_second"], 3),
        "cpu_ratio": round(cpu / bare_cpu, 2),
        "platform_own_cpu_ms_per_turn": round(cpu - bare_cpu, 2),
        "rss_growth_kb_per_turn": round(grown_mb * 1000 / turns, 2),
    }
