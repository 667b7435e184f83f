"""How fast queued webhooks are delivered, and how long another endpoint waits meanwhile: `python -m bench webhooks`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.stack import Stack

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        queued: Deliveries that wait for one endpoint.
        others: Deliveries to another, one after another, while those are sent and eight endpoints hang.
    """

    queued: int
    others: int


FULL = Plan(queued=10_000, others=200)
QUICK = Plan(queued=200, others=10)


def measure(stack: Stack, plan: Plan) -> dict[str, Any]:
    """Return the rates of the bare loop and of the platform, and the other endpoint's waits."""
    with receiver() as url:
        courier = stack.start_courier(WEBHOOK_ALLOW_HTTP="true", WEBHOOK_ALLOWED_HOSTS="127.0.0.1")
        bare = courier.ask(do="bare", url=f"{url}/bare", count=plan.queued)
        drained = courier.ask(do="drain", url=f"{url}/drain", count=plan.queued)
        beside = courier.ask(do="beside", url=url, count=plan.queued, others=plan.others)
    return {
        "bare": bare,
        "platform": drained,
        "other_endpoint": beside,
        "rate_ratio": round(drained["per_second"] / bare["per_second"], 3),
    }


def table(database: str, result: dict[str, Any]) -> str:
    other = result["other_endpoint"]
    return (
        f"\n{database}: {result['platform']['per_second']:.0f} webhooks a second to one endpoint; a bare httpx loop "
        f"{result['bare']['per_second']:.0f}; platform / bare loop {result['rate_ratio']}\n"
        f"  another endpoint meanwhile, beside eight that hang: p50 {other['p50_ms']:.0f} ms, "
        f"p95 {other['p95_ms']:.0f} ms"
    )


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line[15:])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
            if head.startswith(b"POST /hang"):
                await asyncio.sleep(3600)
            writer.write(ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
        writer.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def receiver() -> Iterator[str]:
    """Run a receiver in a thread, and yield its address. It answers at once, but for paths that begin with /hang."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(_serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        server.close()
        loop.run_until_complete(_cancel_all())
        loop.close()
