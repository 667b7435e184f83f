"""What an open socket costs that has chatted once and is silent now: `python -m bench idle`.

Each is a customer's whom the site vouches for: `hello` brings an identity that the server checks and looks up.
"""

from __future__ import annotations

import asyncio
import resource
import secrets
import time
from dataclasses import dataclass
from typing import Any

import jwt
import uvloop

from bench.client import Customer, Hello, a_few_at_a_time
from bench.goals import Goal
from bench.stack import Stack, Web

WARM = 16
WARM_TURNS = 4
SPARE_FILES = 1_000
# What a turn leaves behind is tidied up a moment after its last frame.
SETTLE_SECONDS = 3


@dataclass(frozen=True)
class Plan:
    """How many sockets are opened beside those that were there before."""

    sockets: int


FULL = Plan(sockets=10_000)
QUICK = Plan(sockets=20)


def measure(stack: Stack, plan: Plan) -> dict[str, Any]:
    """Return memory and CPU of opening sockets, and of a first turn on each."""
    _allow_files(plan.sockets + SPARE_FILES)
    secret = secrets.token_hex(32)
    web = stack.start_web("idle", BENCH_MODEL="instant", IDENTITY_SECRET=secret)
    web.wait_until_ready()
    return uvloop.run(_measure(web, secret, plan.sockets))


def _allow_files(count: int) -> None:
    """Let this process and those that it starts open so many files; raises where that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise RuntimeError(f"{count} open files are needed, {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def _hello(secret: str, number: int) -> Hello:
    claims = {
        "sub": f"customer-{number}",
        "name": f"Customer {number}",
        "email": f"customer-{number}@shop.example",
        "exp": int(time.time()) + 3_000,
    }
    return {"type": "hello", "identity": jwt.encode(claims, secret, "HS256")}


async def _measure(web: Web, secret: str, sockets: int) -> dict[str, Any]:
    async def arrive(hellos: list[Hello]) -> list[Customer]:
        return await a_few_at_a_time(Customer.arrive(web.ws_url, hello) for hello in hellos)

    warm = await arrive([_hello(secret, number) for number in range(WARM)])
    for _ in range(WARM_TURNS):
        await a_few_at_a_time(customer.ask() for customer in warm)
    hellos = [_hello(secret, WARM + number) for number in range(sockets)]
    before, cpu = web.rss_bytes, web.cpu_seconds()["server"]
    customers = await arrive(hellos)
    opened, cpu_opened = web.rss_bytes, web.cpu_seconds()["server"]
    await a_few_at_a_time(customer.ask() for customer in customers)
    await asyncio.sleep(SETTLE_SECONDS)
    chatted = web.rss_bytes
    await asyncio.gather(*(customer.leave() for customer in [*warm, *customers]))
    return {
        "sockets": sockets,
        "accept_cpu_ms": round((cpu_opened - cpu) * 1000 / sockets, 2),
        "kb_a_socket": round((opened - before) / sockets / 1000, 1),
        "kb_a_socket_that_chatted": round((chatted - before) / sockets / 1000, 1),
    }


def find_goals(result: dict[str, Any]) -> list[Goal]:
    sockets = result["sockets"]
    return [
        Goal(f"idle socket that has chatted, of {sockets}, KB", result["kb_a_socket_that_chatted"], 40),
        Goal("accepting one with its identity, ms CPU", result["accept_cpu_ms"], 2),
    ]  # fmt: skip


def table(database: str, result: dict[str, Any]) -> str:
    return (
        f"\n{database}: {result['sockets']} sockets: {result['kb_a_socket']} KB each when open, "
        f"{result['kb_a_socket_that_chatted']} KB after one turn; {result['accept_cpu_ms']} ms CPU to accept one"
    )
