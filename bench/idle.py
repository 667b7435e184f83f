"""What an open socket costs that has chatted once and is silent now: `python -m bench idle`."""

from __future__ import annotations

import asyncio
from typing import Any

from bench.client import Customer, gather_customers
from bench.stack import Stack, Web

SOCKETS = 500
AT_ONCE = 16


def measure(stack: Stack) -> dict[str, Any]:
    """Return memory and CPU of opening sockets, and of a first turn on each."""
    web = stack.start_web("idle")
    web.wait_until_ready()
    return asyncio.run(_measure(web))


async def _measure(web: Web) -> dict[str, Any]:
    warm = await gather_customers(web.ws_url, AT_ONCE)
    await _ask_once(warm)
    before, cpu = web.rss_bytes, web.cpu_seconds()["server"]
    customers = await gather_customers(web.ws_url, SOCKETS)
    opened, cpu_opened = web.rss_bytes, web.cpu_seconds()["server"]
    await _ask_once(customers)
    chatted = web.rss_bytes
    await asyncio.gather(*(customer.leave() for customer in [*warm, *customers]))
    return {
        "sockets": SOCKETS,
        "accept_cpu_ms": round((cpu_opened - cpu) * 1000 / SOCKETS, 2),
        "kb_a_socket": round((opened - before) / SOCKETS / 1000, 1),
        "kb_a_socket_that_chatted": round((chatted - before) / SOCKETS / 1000, 1),
    }


async def _ask_once(customers: list[Customer]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(customer: Customer) -> None:
        async with gate:
            await customer.ask()

    await asyncio.gather(*(ask(customer) for customer in customers))


def table(database: str, result: dict[str, Any]) -> str:
    return (
        f"\n{database}: {result['sockets']} sockets: {result['kb_a_socket']} KB each when open, "
        f"{result['kb_a_socket_that_chatted']} KB after one turn; {result['accept_cpu_ms']} ms CPU to accept one"
    )
