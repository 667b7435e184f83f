"""What this process counts of its language models, for /metrics."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

MODEL_CALL_SECONDS = Histogram(
    "smart_support_model_call_seconds",
    "One call of a model, to the end of its answer or to its failure.",
    ["model", "use"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 25, 60),
)
MODEL_CALLS = Counter(
    "smart_support_model_calls",
    "Calls of a model, by how they ended: ok, or the code of the fault.",
    ["model", "use", "outcome"],
)
