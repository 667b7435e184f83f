"""The process that delivers webhooks for `bench.webhooks`: one question a line in, one answer a line out."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import django

django.setup()

import httpx  # noqa: E402 - after the setup
from django.utils import timezone  # noqa: E402

from conversations.database import in_thread  # noqa: E402
from escalation.courier import Courier  # noqa: E402
from escalation.models import WebhookDelivery, WebhookEndpoint  # noqa: E402
from escalation.services import deliveries, endpoints  # noqa: E402
from escalation.services.attempts import AT_ONCE  # noqa: E402
from escalation.webhooks.client import Client  # noqa: E402
from escalation.webhooks.schemas import EVENT_TYPES  # noqa: E402

BODY = json.dumps(EVENT_TYPES["message.created"].make_example()).encode()
HANGING = 8


def _queue(url: str, count: int) -> WebhookEndpoint:
    endpoint, _ = endpoints.create_endpoint(url=url, event_types=["message.created"])
    now = timezone.now()
    values = {"event_type": "message.created", "body": BODY, "next_attempt_at": now}
    rows = [WebhookDelivery(endpoint=endpoint, created_at=now, **values) for _ in range(count)]
    WebhookDelivery.objects.bulk_create(rows, batch_size=500)
    return endpoint


def _rate(count: int, started: float, cpu: float) -> dict[str, Any]:
    seconds = time.monotonic() - started
    return {
        "count": count,
        "per_second": round(count / seconds, 1),
        "cpu_ms_each": round((time.process_time() - cpu) * 1000 / count, 3),
    }


async def bare(url: str, count: int) -> dict[str, Any]:
    """Post the same bytes as often by as many loops, with nothing around it."""
    headers = {"content-type": "application/json"}
    async with httpx.AsyncClient() as client:
        started, cpu = time.monotonic(), time.process_time()

        async def loop() -> None:
            for _ in range(count // AT_ONCE):
                await client.post(url, content=BODY, headers=headers)

        await asyncio.gather(*(loop() for _ in range(AT_ONCE)))
        return _rate(count, started, cpu)


async def drain(url: str, count: int) -> dict[str, Any]:
    """Deliver what is queued."""
    endpoint = await in_thread(_queue)(url, count)
    client = Client()
    started, cpu = time.monotonic(), time.process_time()
    await Courier(client).drain(max_seconds=3600)
    result = _rate(count, started, cpu)
    delivered = endpoint.deliveries.filter(status="delivered").count
    assert await in_thread(delivered)() == count
    await client.close()
    return result


async def beside(url: str, count: int, others: int) -> dict[str, Any]:
    """Deliver to another endpoint while one is drained and others hang; from queued to delivered."""
    await in_thread(_queue)(f"{url}/drain", count)
    for at in range(HANGING):
        await in_thread(_queue)(f"{url}/hang{at}", AT_ONCE)
    other = await in_thread(_queue)(f"{url}/other", 0)
    client = Client()
    courier = Courier(client)
    draining = asyncio.create_task(courier.drain(max_seconds=3600))
    for _ in range(others):
        await in_thread(deliveries.send_test)(other, now=timezone.now())
        await courier.drain(max_seconds=0)
        await asyncio.sleep(0.05)
    while await in_thread(other.deliveries.exclude(status="delivered").exists)():  # noqa: ASYNC110 - rows ring no bell
        await asyncio.sleep(0.05)
    draining.cancel()
    times = other.deliveries.filter(status="delivered").values_list("created_at", "finished_at")
    rows = await in_thread(list)(times)
    waits = sorted((finished - created).total_seconds() * 1000 for created, finished in rows)
    return {
        "delivered": len(waits),
        "sent": others,
        "p50_ms": round(waits[len(waits) // 2], 1),
        "p95_ms": round(waits[int(len(waits) * 0.95)], 1),
    }


DO = {"bare": bare, "drain": drain, "beside": beside}


def main() -> None:
    for line in sys.stdin:
        question = json.loads(line)
        answer = asyncio.run(DO[question.pop("do")](**question))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
