"""/health/ready: what makes it 503, what is only told, and that it never heaps up."""

import asyncio
import threading

import pytest
import redis
from django.conf import settings

from supportsite import health, heartbeat, questions, tasks
from supportsite.questions import Question


def fail():
    raise OSError("gone")


@pytest.fixture
def all_well(monkeypatch):
    """Each part answers, but for those that a test breaks."""
    beating = {"valkey": "ok", "worker": "ok", "beat": "ok"}
    for name in ("database", "checkpointer"):
        question = Question("test", lambda name=name: {name: "ok"})
        monkeypatch.setattr(health, name.upper(), question)
    monkeypatch.setattr(health, "VALKEY", Question("test", lambda: beating))
    return monkeypatch


@pytest.mark.parametrize(
    ("name", "part", "status"),
    [
        ("DATABASE", "database", 503),
        ("CHECKPOINTER", "checkpointer", 503),
        ("VALKEY", "valkey", 200),
    ],
)
def test_a_part_that_is_down_is_named_and_counts_if_it_is_needed(
    client, all_well, name, part, status
):
    all_well.setattr(health, name, Question("test", fail))
    answer = client.get("/health/ready")
    assert answer.status_code == status
    assert answer.json()[part] == "down"


async def test_a_part_that_hangs_costs_one_thread_and_a_bounded_time(monkeypatch):
    monkeypatch.setattr(questions, "TIMEOUT_SECONDS", 0.1)
    asked, may_answer = [], threading.Event()

    def hang():
        asked.append(threading.get_ident())
        may_answer.wait(10)
        return "late"

    question = Question("hanging", hang)
    for _ in range(2):
        answers = await asyncio.gather(
            *(question.answer() for _ in range(50)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {TimeoutError}
    monkeypatch.setattr(questions, "TIMEOUT_SECONDS", 10)
    late = asyncio.ensure_future(question.answer())
    await asyncio.sleep(0)  # so that it, too, waits for the answer that has been asked for
    may_answer.set()
    assert await late == "late"
    assert len(asked) == 1


# --- worker and beat ---


@pytest.fixture
def valkey(valkey_url):
    client = redis.Redis.from_url(valkey_url)
    client.delete(heartbeat.KEY, heartbeat.CELERY_QUEUE)
    yield client
    client.delete(heartbeat.KEY, heartbeat.CELERY_QUEUE)
    client.close()


def test_a_heartbeat_tells_of_both_and_runs_out(valkey):
    tasks.heartbeat()
    assert heartbeat.listen() == {"worker": "ok", "beat": "ok"}
    assert 0 < valkey.pttl(heartbeat.KEY) <= 4_000 * settings.HEARTBEAT_SECONDS


def test_without_a_heartbeat_the_queue_tells_who_is_missing(valkey):
    assert heartbeat.listen() == {"worker": "unknown", "beat": "silent"}
    tasks.heartbeat.apply_async()
    assert heartbeat.listen() == {"worker": "silent", "beat": "ok"}
