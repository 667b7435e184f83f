"""A receiver, endpoints that lead to it, and a courier that sends what is due."""

import asyncio

import pytest

from escalation.courier import Courier
from escalation.services import endpoints
from escalation.webhooks.client import Client
from escalation.webhooks.schemas import EVENT_TYPES
from tests.webhooks.receiver import Receiver

SECONDS = 60


@pytest.fixture(autouse=True)
def on_loopback(settings, monkeypatch):
    """Loopback is allowed, and what has to be waited for is short. No worker is told: tests deliver themselves."""
    settings.WEBHOOK_ALLOW_HTTP = True
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    settings.WEBHOOK_RETRY_SECONDS = [0, 0, 0]
    settings.WEBHOOK_TOTAL_SECONDS = 0.5
    settings.WEBHOOK_CONNECT_SECONDS = 0.3
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    monkeypatch.setattr("escalation.tasks.nudge", lambda: None)


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def make_endpoint(transactional_db, receiver):
    """Make an endpoint for everything that leads to the receiver; `endpoint.clear_secret` is its secret."""

    def make(**values):
        values = {"url": receiver.url, "event_types": list(EVENT_TYPES), **values}
        endpoint, secret = endpoints.create_endpoint(**values)
        endpoint.clear_secret = secret
        return endpoint

    return make


@pytest.fixture
def endpoint(make_endpoint):
    return make_endpoint()


async def drain():
    client = Client()
    try:
        async with asyncio.timeout(SECONDS):
            await Courier(client).drain(max_seconds=SECONDS)
    finally:
        await client.close()


@pytest.fixture
def deliver(transactional_db):
    """Send everything that is due, until nothing is."""
    return lambda: asyncio.run(drain())
