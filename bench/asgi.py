"""The site as it is, with the instant model; BENCH_SQL=file also writes down every statement."""

from __future__ import annotations

import os

from bench import fake_model, sql_log

fake_model.install()

from supportsite.asgi import application  # noqa: E402 - after the model is in its place

if path := os.environ.get("BENCH_SQL"):
    sql_log.write_to(path)

__all__ = ["application"]
