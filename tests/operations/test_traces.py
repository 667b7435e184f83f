"""Traces as a collector gets them, and that there are none, and no cost, without one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents import tracing

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
        "parts = ('opentelemetry.sdk', 'opentelemetry.exporter')\n"
        "print([name for name in sys.modules if name.startswith(parts)])"
    )
    assert run_python(code) == "[]"


# --- LangSmith ---

INVOKE = """
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers.langchain import wait_for_all_tracers
RunnableLambda(lambda said: said).invoke("Quillfeather")
wait_for_all_tracers()
"""


def test_langsmith_gets_runs_when_it_is_asked_for_by_its_one_name(collector):
    run_python(
        INVOKE,
        LANGSMITH_TRACING="true",
        LANGSMITH_ENDPOINT=collector.url + "/asked",
        LANGSMITH_API_KEY="lsv2_ours",
    )
    assert [path for path, _ in collector.requests if path.startswith("/asked/runs")]
