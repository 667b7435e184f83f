"""What a running site tells: health, metrics, logs and traces of one whole conversation.

In one file, because a file's tests run in one process, and share this site.
"""

import json
import re
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.operations.conftest import ROOT, SAID, TOKEN, get, wait_until
from tests.operations.test_dashboards import EXPRESSIONS, OF_PROMETHEUS
from tests.protocol.client import Client

pytestmark = [
    pytest.mark.database,  # its site is its own, so conftest.py cannot tell
    pytest.mark.timeout(300),  # the first one makes the site and has the conversation
]


# --- health ---


def test_all_that_a_site_leans_on_is_told(conversation, site):
    parts = ("database", "checkpointer", "valkey", "worker", "beat", "model")

    def state():
        with urlopen(site.url + "/health/ready") as answer:
            return json.load(answer)

    wait_until(lambda: state() == {"status": "ok", **dict.fromkeys(parts, "ok")}, site)


# --- metrics ---


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
    lines = (scrape_web().text + scrape_worker().text).splitlines()
    text = "\n".join(line.rpartition(" ")[0] for line in lines)  # a value may be any number
    for secret in (*conversation.secrets, conversation.thread, "1043", "Quillfeather"):
        assert secret not in text


def test_all_that_is_drawn_and_watched_is_there(conversation, scrape_web, scrape_worker):
    labels = scrape_worker().labels | scrape_web().labels
    found = 0
    for expression in EXPRESSIONS:
        names = re.findall(r"\b((?:smart_support|process)_\w+)(?:\{([^}]*)\})?", expression)
        for name, matchers in names:
            found += 1
            assert name in labels, f"{expression}: no {name}"
            asked = set(re.findall(r"(\w+)(?:=~?|!=|!~)\"", matchers)) - OF_PROMETHEUS
            assert asked <= labels[name], f"{expression}: {name} has {labels[name]}"
        for by in re.findall(r"\bby \(([^)]*)\)", expression):
            known = set().union(*(labels[name] for name, _ in names)) | OF_PROMETHEUS
            assert set(by.split(", ")) <= known, expression
    assert found > 40


def test_each_metric_is_documented_and_no_other(conversation, scrape_web, scrape_worker):
    shown = set()
    for text in (scrape_web().text, scrape_worker().text):
        shown |= set(re.findall(r"^# TYPE (smart_support_\w+)", text, re.MULTILINE))
    page = (ROOT / "docs/how-to/operate.md").read_text()
    assert set(re.findall(r"^\| `(smart_support_\w+)`", page, re.MULTILINE)) == shown


# --- logs ---


def test_each_line_of_a_site_is_one_object(conversation, site):
    lines = [json.loads(line) for line in site.log.splitlines()]
    assert {"uvicorn.error"} <= {line["logger"] for line in lines}
    for line in lines:
        assert {"time", "level", "logger", "message"} <= line.keys()


def test_a_whole_conversation_leaves_no_word_and_no_secret_in_the_log(conversation, site):
    for text in (*SAID, *conversation.answers, *conversation.secrets, TOKEN, "1043"):
        assert text not in site.log
    for name in ("secret_key", "webhook_secret_key", "staff_password"):
        assert (site.data_dir / name).read_text().strip() not in site.log
    assert site.valkey.url not in site.log


# --- traces ---


def test_a_turn_its_model_calls_and_its_tools_are_one_trace(conversation, collector):
    write = collector.wait_for_span("execute_tool cancel_order")
    assert write.attributes["gen_ai.operation.name"] == "execute_tool"
    turn = next(s for s in collector.spans if s.id == write.parent_id)
    assert turn.name == "invoke_agent ecommerce"
    assert turn.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert turn.attributes["gen_ai.agent.name"] == "ecommerce"
    assert turn.attributes["gen_ai.conversation.id"] == conversation.thread
    assert turn.attributes["smart_support.run.id"] in conversation.run_ids
    assert turn.resource["service.name"] == "smart-support"
    answer = collector.wait_for_span("chat offline-demo", smart_support__use="answer")
    assert answer.attributes["gen_ai.operation.name"] == "chat"
    assert answer.attributes["gen_ai.request.model"] == "offline-demo"
    assert answer.attributes["gen_ai.usage.input_tokens"] > 0
    assert answer.attributes["gen_ai.usage.output_tokens"] > 0
    assert collector.wait_for_span("chat offline-demo", smart_support__use="route").parent_id


def test_a_webhook_is_a_span_without_its_address(conversation, collector):
    sent = collector.wait_for_span("POST", http__response__status_code=200)
    assert sent.attributes["server.address"] == "127.0.0.1"
    assert sent.attributes["smart_support.webhook.id"].startswith("msg_")
    assert not sent.is_failed


def test_spans_hold_no_content_and_no_secret(conversation, collector):
    collector.wait_for_span("execute_tool cancel_order")
    sent = b"".join(collector.bodies("/v1/traces"))
    assert b"gen_ai" in sent
    for text in (*SAID, *conversation.answers, *conversation.secrets, "1043", "/hooks"):
        assert text.encode() not in sent


def test_a_site_sends_nothing_to_langsmith_whatever_another_program_has_set(
    conversation, collector
):
    assert [path for path, _ in collector.requests if path.startswith("/langsmith")] == []
