"""What a process counts of the webhooks that it sends, for /metrics."""

from __future__ import annotations

from prometheus_client import Histogram

from escalation.webhooks.retries import Answer, judge

WEBHOOK_ATTEMPT_SECONDS = Histogram(
    "smart_support_webhook_attempt_seconds",
    "One attempt to deliver a webhook, by what became of it: delivered, retry, give up or gone.",
    ["outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15),
)


def count_attempt(answer: Answer) -> None:
    """Count an attempt and its time."""
    seconds = (answer.duration_ms or 0) / 1000
    WEBHOOK_ATTEMPT_SECONDS.labels(judge(answer).value).observe(seconds)
