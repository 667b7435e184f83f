"""One site that tells all it can, and one conversation in it, for all tests here that only look."""

import asyncio
import subprocess
import sys
import time
import uuid
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from supportsite.valkey import free_port
from tests.operations.collector import Collector
from tests.protocol.client import Client
from tests.protocol.conftest import learned

__all__ = ["learned"]

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "the-scraper-of-these-tests-has-this-token"
# What nobody but the customer and the company may read.
SAID = ("Cancel order 1043", "gingerbread", "my doctor's name is Quillfeather")
ENDPOINT = """
from escalation.services.endpoints import create_endpoint
from escalation.webhooks.schemas import EVENT_TYPES
print(create_endpoint(url={url!r}, event_types=list(EVENT_TYPES))[1])
"""
SECONDS = 30


@pytest.fixture(scope="package")
def collector():
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="package")
def opentelemetry(tmp_path_factory):
    """OpenTelemetry in a folder of its own, as it is in no process that has no use for it. Returns the folder."""
    folder = tmp_path_factory.mktemp("opentelemetry")
    pinned = ("--require-hashes", "--no-deps", "-r", str(ROOT / "requirements-traces.txt"))
    uv = [Path(sys.executable).with_name("uv"), "pip", "install", "-q", "--target", folder]
    subprocess.run([*uv, *pinned], check=True)
    sys.path.append(str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="package")
def site(learned, collector, opentelemetry):
    site = learned.make(
        worker=True,
        start=False,
        LOG_FORMAT="json",
        METRICS_TOKEN=TOKEN,
        METRICS_PORT=free_port(),
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY=100,
        PYTHONPATH=opentelemetry,
        WEBHOOK_ALLOW_HTTP="true",
        WEBHOOK_ALLOWED_HOSTS="127.0.0.1",
        SWEEP_SECONDS=0.5,
        # As another program's set-up may have left them.
        LANGCHAIN_TRACING_V2="true",
        LANGSMITH_TRACING_V2="true",
        LANGSMITH_ENDPOINT=collector.url + "/langsmith",
        LANGSMITH_API_KEY="lsv2_of_another_program",
    )
    site.start()
    yield site
    learned.remove(site)


@pytest.fixture(scope="package")
def conversation(site, collector):
    """A whole one: an approval, a look-up, a call for a person, and the webhooks of it. Returns its thread."""
    secret = site.shell(ENDPOINT.format(url=collector.url + "/hooks")).strip()
    return asyncio.run(_converse(site, collector, secret))


async def _converse(site, collector, secret):
    thread = f"thread-{uuid.uuid4().hex}"
    cancel, sweet, name = SAID
    async with Client(site.ws_url) as chat:
        await chat.ask(thread, cancel)
        await chat.answer(thread, approved=True)
        await chat.wait("message_complete")
        await chat.ask(thread, f"Where is my order 1042? I need the {sweet}")
        await chat.ask_for_person(thread, reason=name)
        deadline = time.monotonic() + SECONDS
        while not collector.bodies("/hooks"):
            assert time.monotonic() < deadline, site.log
            await asyncio.sleep(0.05)
        chat.secrets = [chat.session["token"], secret]
    return Conversation(thread, chat)


class Conversation:
    def __init__(self, thread, chat):
        self.thread = thread
        self.secrets = chat.secrets
        self.run_ids = [f["run_id"] for f in chat.frames if f["type"] == "message_complete"]
        self.answers = [text for who, text in chat.threads[thread].transcript if who != "customer"]


def get(url, token=TOKEN):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urlopen(Request(url, headers=headers), timeout=10) as answer:
        return answer.read().decode()


class Scrape:
    """What /metrics of one process says."""

    def __init__(self, text):
        self.text = text
        self.samples = [s for f in text_string_to_metric_families(text) for s in f.samples]

    @property
    def labels(self):
        """Metric → the names of its labels."""
        found = {}
        for sample in self.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
        return found

    def value(self, name, **labels):
        """Return the sum of the samples of this name that have these labels."""
        return sum(
            s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()
        )


@pytest.fixture
def scrape_web(site):
    return lambda: Scrape(get(site.url + "/metrics"))


@pytest.fixture
def scrape_worker(site):
    return lambda: Scrape(get(f"http://127.0.0.1:{site.env['METRICS_PORT']}/metrics"))


def wait_until(is_true, site):
    deadline = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < deadline, site.log
        time.sleep(0.1)
