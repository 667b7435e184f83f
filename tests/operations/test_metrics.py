"""What /metrics of real processes says, and to whom."""

from urllib.error import HTTPError

import pytest

from tests.operations.conftest import get, wait_until
from tests.protocol.client import Client

pytestmark = pytest.mark.database  # its site is its own, so conftest.py cannot tell


@pytest.mark.parametrize("token", [None, "", "x" * 40, "the-scraper-of-these-tests-has-this-tokén"])
def test_who_has_not_the_token_sees_nothing(site, token):
    for url in (site.url, f"http://127.0.0.1:{site.env['METRICS_PORT']}"):
        with pytest.raises(HTTPError) as refused:
            get(url + "/metrics", token)
        with refused.value as answer:
            assert answer.status == 401
            assert b"smart_support" not in answer.read()


def test_a_conversation_is_counted(conversation, scrape_web):
    web = scrape_web()
    assert web.value("smart_support_runs_ended_total", status="completed") == 2
    assert web.value("smart_support_interrupts_resolved_total", outcome="approved") == 1
    # The one that waited for approval was claimed twice.
    assert web.value("smart_support_turn_seconds_count") == 3
    assert 2 <= web.value("smart_support_first_text_seconds_count") <= 3
    assert web.value("smart_support_model_calls_total", use="route", outcome="ok") == 2
    assert web.value("smart_support_model_call_seconds_count", use="answer") >= 3


def test_rows_are_read_when_asked(conversation, scrape_web):
    web = scrape_web()
    assert web.value("smart_support_escalations_waiting") == 1
    assert web.value("smart_support_escalations_oldest_seconds") > 0
    assert web.value("smart_support_runs") == 0


def test_a_worker_tells_of_its_own_work(conversation, site, scrape_worker):
    def is_delivered():
        count = "smart_support_webhook_attempt_seconds_count"
        return scrape_worker().value(count, outcome="delivered") >= 1

    wait_until(is_delivered, site)
    assert "smart_support_escalations_waiting" not in scrape_worker().labels


async def test_open_sockets_are_counted(site, scrape_web):
    before = scrape_web().value("smart_support_open_sockets")
    async with Client(site.ws_url) as chat:
        await chat.settled()
        assert scrape_web().value("smart_support_open_sockets") == before + 1
    wait_until(lambda: scrape_web().value("smart_support_open_sockets") == before, site)


def test_all_parts_are_up(site, scrape_web, conversation):
    parts = ("database", "checkpointer", "valkey", "worker", "beat")
    wait_until(
        lambda: all(scrape_web().value("smart_support_up", part=part) == 1 for part in parts), site
    )


def test_metrics_hold_no_content_and_no_secret(conversation, scrape_web, scrape_worker):
    text = scrape_web().text + scrape_worker().text
    for secret in (*conversation.secrets, conversation.thread, "1043", "Quillfeather"):
        assert secret not in text
