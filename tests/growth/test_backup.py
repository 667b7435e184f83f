"""A site that is restored elsewhere goes on: what waits for approval is done once, and the customer hears of it."""

import os
import shutil
import stat
import subprocess
import uuid
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.openai_server.answers import call, route, say
from tests.openai_server.server import OpenAIServer
from tests.protocol.client import Client
from tests.site import PostgresDatabase, Site

SECRETS = ("secret_key", "webhook_secret_key", "staff_password")
MAKE_ENDPOINT = """
from escalation.services.endpoints import create_endpoint
print(create_endpoint(url="https://crm.example/", event_types=[])[1])
"""
READ_SECRET = """
from escalation.models import WebhookEndpoint
from escalation.webhooks import vault
print(vault.decrypt(WebhookEndpoint.objects.get().secret))
"""
LOOK = """
import json
from agents.verticals.ecommerce.models import Order, Refund
from conversations.models import Effect
order = Order.objects.get(number="1043")
print(json.dumps([order.status, Refund.objects.filter(order=order).count(), Effect.objects.count()]))
"""


@pytest.fixture
def model():
    """A model that cancels order 1043: the offline one would have to learn first."""
    server = OpenAIServer().start()
    cancel = call("cancel_order", order_number="1043")
    answers = [cancel, say("Order 1043 is cancelled.")]
    server.app.script = {"router": [route("orders")], "agent": answers}
    yield {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
    server.stop()


@pytest.fixture
def restore(tmp_path, model):
    """Back a running site up as docs/how-to/back-up.md says, and make another of the copy."""
    made, databases = [], []
    url = os.environ.get("TEST_DATABASE_URL")

    def restore_site(site):
        folder = tmp_path / "backup"
        variables = dict(model)
        if url:
            databases.append(PostgresDatabase(url).create())
            folder.mkdir()
            for name in SECRETS:
                shutil.copy2(site.data_dir / name, folder)
            copy_postgres(site.env["DATABASE_URL"], databases[0], tmp_path / "support.dump")
            variables["DATABASE_URL"] = databases[0]
        else:
            site.manage("backup", str(folder))
        made.append(Site(folder, variables))
        return made[-1]

    yield restore_site
    for site in made:
        site.stop()
        site.valkey.stop()
    for database in databases:
        PostgresDatabase(url).drop(database)


def copy_postgres(source, target, file):
    dump = [find_program("pg_dump"), "--format=custom", f"--file={file}", source]
    subprocess.run(dump, check=True)
    restore = [find_program("pg_restore"), "--no-owner", f"--dbname={target}", file]
    subprocess.run(restore, check=True)


def find_program(name):
    """Return where a program of PostgreSQL is; Debian keeps the newest off PATH."""
    found = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    return max(found, key=lambda path: int(path.parts[-3]), default=name)


async def test_a_pending_approval_goes_on_in_another_place(make_site, model, restore):
    thread, site = uuid.uuid4().hex, make_site(**model)
    secret = site.shell(MAKE_ENDPOINT)
    async with Client(site.ws_url) as chat:
        token = (await chat.hello())["token"]
        await chat.ask(thread, "Cancel order 1043")
        after_seq = chat.threads[thread].seq
        restored = restore(site)
    site.kill()
    assert site.shell(LOOK) == ["processing", 0, 0]
    restored.start()
    async with Client(restored.ws_url) as chat:
        await chat.hello(token=token, thread_id=thread, after_seq=after_seq)
        await chat.answer(thread, True)
        assert (await chat.wait("tool_result"))["status"] == "ok"
        assert "1043 is cancelled" in (await chat.wait("message"))["content"]
        await chat.wait("message_complete")
        await chat.answer(thread, True)
        await chat.error("no_pending_interrupt")
    assert restored.shell(LOOK) == ["cancelled", 1, 1]
    assert restored.shell(READ_SECRET) == secret


def test_a_backup_is_for_its_owner_alone_and_replaces_nothing(transactional_db, tmp_path):
    folder = tmp_path / "backup"
    if connection.vendor == "postgresql":
        with pytest.raises(CommandError, match="pg_dump"):
            call_command("backup", str(folder))
        assert not folder.exists()
        return
    call_command("backup", str(folder))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600
    with pytest.raises(CommandError, match="is there already"):
        call_command("backup", str(folder))
