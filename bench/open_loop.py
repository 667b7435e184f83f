"""The open loop: messages come when they come, whether or not earlier ones are answered: `python -m bench open`.

Their moments are random, as independent customers' are (a Poisson process), and the same in every run. The clock of a
message starts when it was due, so that a server that falls behind cannot hide it. The model answers at once over HTTP,
so that the time to the first token is the server's own.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any

import uvloop

from bench import report
from bench.client import Customer, Turn, gather_customers
from bench.goals import Goal
from bench.numbers import in_ms
from bench.stack import Stack, Web

SEED = 6
WARM_TURNS = 4


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        rates: Messages a second, one after the other.
        seconds: For which messages come at each rate.
        customers: Who take turns to write; a message waits for one whose last answer is whole.
    """

    rates: tuple[int, ...]
    seconds: int
    customers: int


FULL = Plan(rates=(15, 30), seconds=20, customers=64)
QUICK = Plan(rates=(4,), seconds=2, customers=4)


@dataclass(frozen=True)
class Answered:
    """One message's times, in seconds since it was due."""

    sent: float
    turn: Turn

    @property
    def first_token(self) -> float:
        return self.sent + self.turn.first_token

    @property
    def complete(self) -> float:
        return self.sent + self.turn.complete


def measure(stack: Stack, plan: Plan) -> dict[str, Any]:
    """Return the figures of each rate, the platform's, and the handler's at the lowest."""
    result: dict[str, Any] = {}
    web = stack.start_web()
    web.wait_until_ready()
    for rate in plan.rates:
        result[f"platform_{rate}"] = uvloop.run(_measure(web, rate, plan))
    handler = stack.start_handler()
    handler.wait_until_ready()
    result[f"handler_{plan.rates[0]}"] = uvloop.run(_measure(handler, plan.rates[0], plan))
    return result


async def _measure(web: Web, rate: int, plan: Plan) -> dict[str, Any]:
    customers = await gather_customers(web.ws_url, plan.customers, web.hello)
    for _ in range(WARM_TURNS):
        await asyncio.gather(*(customer.ask() for customer in customers[:16]))
    free: asyncio.Queue[Customer] = asyncio.Queue()
    for customer in customers:
        free.put_nowait(customer)
    moments = _moments(rate, plan.seconds)
    cpu, began = web.cpu_seconds()["server"], time.perf_counter()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_ask_at(began + moment, free)) for moment in moments]
    seconds, cpu_after = time.perf_counter() - began, web.cpu_seconds()["server"]
    await asyncio.gather(*(customer.leave() for customer in customers))
    answered = [task.result() for task in tasks]
    last_complete = max(m + one.complete for m, one in zip(moments, answered, strict=True))
    return {
        "rate": rate,
        "messages": len(answered),
        "first_token_ms": in_ms([one.first_token for one in answered]),
        "latency_ms": in_ms([one.complete for one in answered]),
        "sent_late_ms": in_ms([one.sent for one in answered]),
        "last_answer_late_ms": round((last_complete - moments[-1]) * 1000, 1),
        "core_share": round((cpu_after - cpu) / seconds, 3),
    }


def _moments(rate: int, seconds: int) -> list[float]:
    chance = random.Random(SEED)
    moments, at = [], chance.expovariate(rate)
    while at < seconds:
        moments.append(at)
        at += chance.expovariate(rate)
    return moments


async def _ask_at(due: float, free: asyncio.Queue[Customer]) -> Answered:
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    customer = await free.get()
    sent = time.perf_counter() - due
    turn = await customer.ask()
    free.put_nowait(customer)
    return Answered(sent, turn)


def find_goals(result: dict[str, Any]) -> list[Goal]:
    """Return what is asked of 15 and of 30 messages a second; a backlog is a last answer that is late."""
    at_15, at_30 = result.get("platform_15"), result.get("platform_30")
    if not (at_15 and at_30):
        return []
    return [
        Goal("15 messages/s: first token p50, ms", at_15["first_token_ms"]["p50"], 30),
        Goal("15 messages/s: first token p95, ms", at_15["first_token_ms"]["p95"], 50),
        Goal("30 messages/s: last answer is late by, ms", at_30["last_answer_late_ms"], 1_000),
        Goal("30 messages/s: share of a core", at_30["core_share"], 0.7),
    ]


ROWS = (
    ("messages", "messages", None),
    ("first token p50, ms", "first_token_ms", "p50"),
    ("first token p95, ms", "first_token_ms", "p95"),
    ("turn p50, ms", "latency_ms", "p50"),
    ("turn p95, ms", "latency_ms", "p95"),
    ("client late p95, ms", "sent_late_ms", "p95"),
    ("last answer late, ms", "last_answer_late_ms", None),
    ("share of a core", "core_share", None),
)


def table(database: str, result: dict[str, Any]) -> str:
    return report.table(database, result, ROWS)
