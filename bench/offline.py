"""What a turn costs with the offline model, which needs no API: `python -m bench offline`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import uvloop

from bench.client import gather_customers
from bench.goals import Goal
from bench.stack import Stack, Web

# Routed to an agent, which looks the order up and then says what it found: three calls of the model.
QUESTION = "Where is my order 1042?"
CONVERSATIONS = 4
WARM_TURNS = 3


@dataclass(frozen=True)
class Plan:
    """How many turns of each of the conversations."""

    turns: int


FULL = Plan(turns=15)
QUICK = Plan(turns=1)


def measure(stack: Stack, plan: Plan) -> dict[str, Any]:
    web = stack.start_web("offline", OPENAI_BASE_URL="", OPENAI_API_KEY="")
    web.wait_until_ready()
    return uvloop.run(_measure(web, plan.turns))


async def _measure(web: Web, turns: int) -> dict[str, Any]:
    customers = await gather_customers(web.ws_url, CONVERSATIONS, web.hello)

    async def ask_all(turns: int) -> None:
        for _ in range(turns):
            await asyncio.gather(*(customer.say(QUESTION) for customer in customers))

    await ask_all(WARM_TURNS)
    cpu = web.cpu_seconds()["server"]
    await ask_all(turns)
    spent = web.cpu_seconds()["server"] - cpu
    await asyncio.gather(*(customer.leave() for customer in customers))
    return {"cpu_ms_per_turn": round(spent * 1000 / (turns * CONVERSATIONS), 2)}


def find_goals(result: dict[str, Any]) -> list[Goal]:
    return [Goal("offline model, a routed turn, ms CPU", result["cpu_ms_per_turn"], 25)]


def table(database: str, result: dict[str, Any]) -> str:
    return f"\n{database}: {result['cpu_ms_per_turn']} ms CPU a turn with the offline model"
