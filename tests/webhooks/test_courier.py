"""Who waits for whom: told by the order of what arrives, never by a clock."""

import asyncio
import threading

import pytest
from django.utils import timezone

from escalation.courier import Courier
from escalation.models import WebhookDelivery
from escalation.services import deliveries
from escalation.webhooks.client import Client
from tests.webhooks.receiver import Reply, hang, hang_until


@pytest.mark.parametrize("count", [1, 8])  # a worker has four threads
def test_hanging_endpoints_delay_no_other(settings, make_endpoint, receiver, deliver, count):
    settings.WEBHOOK_TOTAL_SECONDS = 60
    all_heard = threading.Event()

    def hear(request):
        if request.path == "/hook":
            heard.append(request)
            if len(heard) == 20:
                all_heard.set()

    heard = []
    receiver.on_request = hear
    receiver.by_path = {"/hang": [hang_until(all_heard)]}
    for _ in range(count):
        slow = make_endpoint(url=receiver.url.replace("/hook", "/hang"))
        for _ in range(3):
            deliveries.send_test(slow, now=timezone.now())
    quick = make_endpoint()
    for _ in range(20):
        deliveries.send_test(quick, now=timezone.now())
    deliver()
    paths = [request.path for request in receiver.requests]
    # The slow ones answer only when the quick one has had everything; each has two under way until then.
    assert sorted(paths[: 20 + 2 * count]) == ["/hang"] * 2 * count + ["/hook"] * 20
    assert WebhookDelivery.objects.filter(status="delivered").count() == 20 + 3 * count


def test_delivery_that_comes_while_others_hang_goes_out_at_once(settings, make_endpoint, receiver):
    settings.WEBHOOK_TOTAL_SECONDS = 30
    receiver.by_path = {"/hang": [hang]}
    slow = make_endpoint(url=receiver.url.replace("/hook", "/hang"))
    quick = make_endpoint()
    deliveries.send_test(slow, now=timezone.now())

    async def work():
        client = Client()
        courier = Courier(client)
        draining = asyncio.create_task(courier.drain(max_seconds=60))
        await asyncio.to_thread(receiver.wait_for, 1)
        await asyncio.to_thread(deliveries.send_test, quick, now=timezone.now())
        assert await courier.drain(max_seconds=60) is False  # rings, and does not wait
        arrived = await asyncio.to_thread(receiver.wait_for, 2)
        assert [request.path for request in arrived] == ["/hang", "/hook"]
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)
        for lanes in list(courier._lanes.values()):
            for lane in list(lanes):
                lane.cancel()
        await client.close()

    asyncio.run(work())


def test_what_is_under_way_is_finished_when_the_time_is_up(make_endpoint, receiver):
    for _ in range(6):
        deliveries.send_test(make_endpoint(), now=timezone.now())

    async def work():
        client = Client()
        try:
            return await Courier(client).drain(max_seconds=0)
        finally:
            await client.close()

    assert asyncio.run(work()) is True
    assert not WebhookDelivery.objects.filter(status="sending").exists()


def test_long_queue_is_left_to_the_next_when_the_time_is_up(endpoint, receiver):
    for _ in range(30):
        deliveries.send_test(endpoint, now=timezone.now())

    async def work():
        client = Client()
        try:
            return await Courier(client).drain(max_seconds=0)
        finally:
            await client.close()

    assert asyncio.run(work()) is True
    statuses = list(WebhookDelivery.objects.values_list("status", flat=True))
    assert "sending" not in statuses
    assert "pending" in statuses


def test_nothing_due_is_nothing_to_do(deliver, endpoint, receiver):
    deliver()
    assert receiver.connections == 0


@pytest.mark.parametrize("count", [40])
def test_everything_due_is_sent_once(endpoint, receiver, deliver, count, settings):
    # On a busy machine half a second is soon over, and it would be sent again.
    settings.WEBHOOK_TOTAL_SECONDS = 30
    sent = {deliveries.send_test(endpoint, now=timezone.now()).webhook_id for _ in range(count)}
    deliver()
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(ids) == count
    assert set(ids) == sent


def test_connection_is_used_again(endpoint, receiver, deliver):
    receiver.replies = [Reply()]
    for _ in range(10):
        deliveries.send_test(endpoint, now=timezone.now())
    deliver()
    assert receiver.connections <= 2
