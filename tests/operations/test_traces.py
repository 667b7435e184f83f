"""Traces as a collector gets them, and that there are none, and no cost, without one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents import tracing
from tests.operations.conftest import SAID

ROOT = Path(__file__).resolve().parents[2]


def run_python(code, **variables):
    done = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()\n" + code],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.database
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


@pytest.mark.database
def test_a_webhook_is_a_span_without_its_address(conversation, collector):
    sent = collector.wait_for_span("POST", http__response__status_code=200)
    assert sent.attributes["server.address"] == "127.0.0.1"
    assert sent.attributes["smart_support.webhook.id"].startswith("msg_")
    assert not sent.is_failed


@pytest.mark.database
def test_spans_hold_no_content_and_no_secret(conversation, collector):
    collector.wait_for_span("execute_tool cancel_order")
    sent = b"".join(collector.bodies("/v1/traces"))
    assert b"gen_ai" in sent
    for text in (*SAID, *conversation.answers, *conversation.secrets, "1043", "/hooks"):
        assert text.encode() not in sent


def test_what_fails_is_marked_without_its_text(opentelemetry):
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.switch_on(provider.get_tracer("tests"))
    try:
        with pytest.raises(ValueError, match="Quillfeather"), tracing.chat("m", "answer"):
            raise ValueError("Quillfeather")
    finally:
        tracing.switch_on(None)
    [span] = exporter.get_finished_spans()
    assert span.attributes["error.type"] == "ValueError"
    assert not span.status.is_ok
    assert "Quillfeather" not in span.to_json()


def test_without_a_collector_nothing_of_it_is_imported():
    code = (
        "import sys; import supportsite.asgi, agents.graph.build, escalation.courier\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry.')])"
    )
    assert run_python(code) == "[]"


# --- LangSmith ---

INVOKE = """
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.langchain import wait_for_all_tracers
RunnableLambda(lambda said: said).invoke("Quillfeather")
wait_for_all_tracers()
"""


@pytest.mark.database
def test_a_site_sends_nothing_to_langsmith_whatever_another_program_has_set(
    conversation, collector
):
    assert [path for path, _ in collector.requests if path.startswith("/langsmith")] == []


def test_langsmith_gets_runs_when_it_is_asked_for_by_its_one_name(collector):
    run_python(
        INVOKE,
        LANGSMITH_TRACING="true",
        LANGSMITH_ENDPOINT=collector.url + "/asked",
        LANGSMITH_API_KEY="lsv2_ours",
    )
    assert [path for path, _ in collector.requests if path.startswith("/asked/runs")]
