"""More than one of everything, by the commands and the proxy that docker-compose.yml ships."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest
import websockets

from tests.cluster.cluster import BEATS, FORWARDED, HOST, IDENTITY_SECRET, WEB, WORKERS
from tests.cluster.model import answer_to
from tests.deployment import COMPOSE
from tests.faults.customers import Customer, compare, report
from tests.faults.databases import LONG_AGO
from tests.protocol.client import Client

pytestmark = [pytest.mark.alone, pytest.mark.postgres, pytest.mark.timeout(600)]

PEOPLE = 50
THINK_SECONDS = 5
LONGEST_WAIT_SECONDS = 20


def connect(cluster, name):
    """Connect a customer to one web process, past the proxy, so that it is known which one serves."""
    return Client(f"ws://{HOST}:{cluster.ports[name]}", additional_headers=FORWARDED)


def identity():
    return jwt.encode({"sub": "ana", "exp": int(time.time()) + 600}, IDENTITY_SECRET, "HS256")


async def waiting(cluster, thread):
    """Wait for the interrupt of a thread; returns its id."""
    sql = (
        "SELECT i.id FROM conversations_interrupt i JOIN conversations_conversation c"
        " ON c.id = i.conversation_id WHERE c.thread_id = ? AND i.status = 'pending'"
    )
    return await asyncio.to_thread(cluster.rows.wait_for, sql, thread)


# --- two web processes ---


async def test_customer_on_web_1_and_staff_on_web_2_speak_and_see_each_other_type(
    cluster, staff, thread
):
    async with connect(cluster, "web1") as chat:
        await chat.hello()
        await chat.ask(thread, "Hello")
        pk = cluster.rows.conversation(thread)
        url = f"ws://{HOST}:{cluster.ports['web2']}/ws/desk/{pk}/"
        headers = {name: value for name, value in staff.headers.items() if name != "Origin"}
        async with websockets.connect(
            url, origin=staff.headers["Origin"], additional_headers=headers
        ) as desk:
            assert json.loads(await desk.recv()) == {"type": "news"}
            await asyncio.to_thread(staff.take_over, pk)
            await chat.wait("status", status="handed_off")
            await chat.say(thread, "Are you a person?")
            await chat.wait("message_accepted")
            await chat.send("typing", thread_id=thread)
            while json.loads(await asyncio.wait_for(desk.recv(), 10))["type"] != "typing":
                pass
            await desk.send('{"type":"typing"}')
            assert (await chat.wait("typing"))["author"]
            await asyncio.to_thread(staff.reply, pk, "I am.")
            assert (await chat.wait("message", role="staff"))["content"] == "I am."
    assert cluster.rows.check() == []


async def test_staff_s_decision_on_web_2_resumes_a_run_of_web_1(cluster, staff, thread):
    async with connect(cluster, "web1") as chat:
        await chat.hello(identity=identity())
        await chat.say(thread, "Refund 1044")
        asked = await chat.wait("interrupt")
        assert asked["approver"] == "staff"
        await asyncio.to_thread(staff.approve, asked["interrupt_id"])
        await chat.wait("interrupt_resolved", outcome="approved", by="staff")
        await chat.wait("message", content="That is done.")
        await chat.wait("message_complete", status="completed")
    assert cluster.rows.check() == []


async def test_a_customer_s_decision_on_web_2_resumes_a_run_of_web_1(cluster, thread):
    async with connect(cluster, "web1") as one, connect(cluster, "web2") as two:
        await one.hello(identity=identity())
        await one.ask(thread, "Cancel 1043")
        await two.hello(identity=identity(), thread_id=thread)
        asked = await two.wait("interrupt")
        await two.answer(thread, True, interrupt_id=asked["interrupt_id"])
        await one.wait("message", content="That is done.")
        await two.wait("message", content="That is done.")
    assert cluster.rows.check() == []


# --- two beats, two workers ---


async def test_what_two_beats_see_expire_expires_once(cluster, thread):
    async with connect(cluster, "web1") as chat:
        await chat.hello(identity=identity())
        await chat.ask(thread, "Cancel 1045")
        interrupt = await waiting(cluster, thread)
        cluster.rows.run(
            "UPDATE conversations_interrupt SET expires_at = ? WHERE id = ?", LONG_AGO, interrupt
        )
        await chat.wait("interrupt_expired")
        await chat.wait("message_complete")
        await asyncio.sleep(3)  # both beats once more, and more
    told = "SELECT count(*) FROM conversations_event WHERE type = 'interrupt_expired'"
    assert cluster.rows.value(told) == 1
    assert cluster.rows.check() == []


def test_workers_answer_the_health_check_that_compose_asks(cluster):
    [_, command] = COMPOSE["services"]["worker"]["healthcheck"]["test"]
    command = command.replace("$$", "$").replace("$HOSTNAME", "$(hostname)")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**cluster.env("worker1"), "PATH": path}
    done = subprocess.run(["/bin/sh", "-c", command], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout


# --- everything goes, one after another, and comes back ---


class Crowd:
    """Fifty customers at the proxy, each of whom asks, waits for the answer, thinks, and asks again."""

    def __init__(self, cluster, name):
        self._rows = cluster.rows
        self.people = [
            Customer(cluster.url, f"{name}-{at}", think_seconds=THINK_SECONDS, tls=cluster.tls)
            for at in range(PEOPLE)
        ]

    async def during(self, do):
        """Let them talk while `do` is done in a thread, and until each has its last answer."""
        over = asyncio.Event()
        talks = [asyncio.create_task(self._talk(person, over)) for person in self.people]
        while not all(person.answered for person in self.people):  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.1)
        try:
            return await asyncio.to_thread(do)
        finally:
            over.set()
            await asyncio.gather(*talks)

    async def _talk(self, person, over):
        texts = (f"Question {n} of {person.thread_id}" for n in range(1_000_000))
        await person.live(texts, over.is_set)

    def complaints(self):
        """Return what was lost, doubled or wrong: in what they saw, and in the rows."""
        reports = [report(person) for person in self.people]
        yield from compare(self._rows, reports)
        yield from self._rows.check()
        yield from self._answered_otherwise_than_once()

    def _answered_otherwise_than_once(self):
        rows = self._rows.rows("""
            SELECT m.content AS asked, array_agg(a.content) AS said
            FROM conversations_message m LEFT JOIN conversations_message a
              ON a.run_id = m.run_id AND a.role <> 'customer'
            WHERE m.role = 'customer' AND m.content LIKE 'Question %%' GROUP BY m.id, m.content
        """)
        yield from (row for row in rows if row["said"] != [answer_to(row["asked"])])
        accepted = sum(len(person.accepted) for person in self.people)
        assert accepted > PEOPLE, "they did not talk"

    @property
    def longest_wait(self):
        return max(seconds for person in self.people for seconds in person.answered.values())


async def test_a_rolling_restart_of_everything_loses_nothing(cluster):
    crowd = Crowd(cluster, "rolling")

    def restart_all():
        return {name: cluster.restart(name) for name in (*WEB, *WORKERS, *BEATS)}

    took = await crowd.during(restart_all)
    assert list(crowd.complaints()) == []
    assert sum(person.drops for person in crowd.people) >= PEOPLE, "each was cut off once, at least"
    assert crowd.longest_wait < LONGEST_WAIT_SECONDS
    assert max(took.values()) < 10, f"within what compose and Kubernetes give them: {took}"


async def test_what_a_killed_web_process_worked_on_goes_on_elsewhere(cluster):
    crowd = Crowd(cluster, "killed")

    def kill_one():
        rows, failed = cluster.rows, "FROM conversations_run WHERE failed_attempts > 0"
        before = rows.value(f"SELECT count(*) {failed}")
        # The proxy spreads the customers, so that web 1 has a part of what is going on.
        rows.wait_for("SELECT count(*) >= 10 FROM conversations_run WHERE status = 'running'")
        cluster.kill("web1")
        rows.wait_for(f"SELECT count(*) > ? {failed}", before)
        cluster.start_again("web1")

    await crowd.during(kill_one)
    assert list(crowd.complaints()) == []


async def test_a_restart_of_valkey_loses_nothing(cluster):
    crowd = Crowd(cluster, "valkey")

    def restart_valkey():
        cluster.valkey.kill()
        time.sleep(1)
        cluster.valkey.start()
        time.sleep(5)

    await crowd.during(restart_valkey)
    assert list(crowd.complaints()) == []
    assert crowd.longest_wait < LONGEST_WAIT_SECONDS
