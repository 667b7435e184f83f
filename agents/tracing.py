"""Spans, named by OpenTelemetry's conventions for generative AI; nothing at all until they are switched on.

A span says who, how long, how many tokens and how it ended. What was said, and with which arguments, it never says.

Source: opentelemetry.io/docs/specs/semconv/gen-ai, "gen_ai.*" of version 1.37 and later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_OFF = nullcontext()
_tracer: Tracer | None = None


def switch_on(tracer: Tracer | None) -> None:
    """Make spans with `tracer` from now on; with None, no more."""
    global _tracer
    _tracer = tracer


def turn(thread_id: str, run_id: str) -> AbstractContextManager[None]:
    """Span one run, from its claim to its end or to a pause."""
    return _span(
        "invoke_agent",
        "internal",
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.conversation.id": thread_id,
            "smart_support.run.id": run_id,
        },
    )


def name_agent(name: str) -> None:
    """Say who answers in the span of this run."""
    if _tracer is not None:
        span = _current()
        span.update_name(f"invoke_agent {name}")
        span.set_attribute("gen_ai.agent.name", name)


def chat(model: str, use: str) -> AbstractContextManager[None]:
    """Span one call of a model.

    Args:
        model: Its name.
        use: What it is called for: "route", "answer" or "summary".
    """
    return _span(
        f"chat {model}",
        "client",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "offline" if settings.USES_OFFLINE_MODEL else "openai",
            "gen_ai.request.model": model,
            "smart_support.use": use,
        },
    )


def add_usage(usage: Mapping[str, Any] | None) -> None:
    """Say in the span of a model's call how many tokens it took; `usage` is LangChain's usage_metadata."""
    if _tracer is not None and usage:
        span = _current()
        for name in ("input_tokens", "output_tokens"):
            span.set_attribute(f"gen_ai.usage.{name}", usage.get(name) or 0)


def tool(name: str, call_id: str) -> AbstractContextManager[None]:
    """Span one read, or one approved write."""
    return _span(
        f"execute_tool {name}",
        "internal",
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.type": "function",
        },
    )


def request(host: str, webhook_id: str) -> AbstractContextManager[None]:
    """Span one attempt to deliver a webhook."""
    return _span(
        "POST",
        "client",
        {
            "http.request.method": "POST",
            "server.address": host,
            "smart_support.webhook.id": webhook_id,
        },
    )


def end_request(status_code: int | None, *, has_failed: bool) -> None:
    """Say in the span of an attempt what came of it."""
    if _tracer is not None:
        if status_code is not None:
            _current().set_attribute("http.response.status_code", status_code)
        if has_failed:
            fail(str(status_code or "no_answer"))


def fail(code: str) -> None:
    """Mark the current span as failed."""
    if _tracer is not None:
        from opentelemetry.trace import StatusCode

        span = _current()
        span.set_attribute("error.type", code)
        span.set_status(StatusCode.ERROR)


def _span(name: str, kind: str, attributes: dict[str, str]) -> AbstractContextManager[None]:
    return _OFF if _tracer is None else _open(_tracer, name, kind, attributes)


@contextmanager
def _open(tracer: Tracer, name: str, kind: str, attributes: dict[str, str]) -> Iterator[None]:
    from opentelemetry.trace import SpanKind

    # Without the exception's text, which may quote the customer.
    with tracer.start_as_current_span(
        name,
        kind=SpanKind[kind.upper()],
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ):
        try:
            yield
        except BaseException as error:
            fail(getattr(error, "code", None) or type(error).__name__)
            raise


def _current() -> Any:
    from opentelemetry.trace import get_current_span

    return get_current_span()
