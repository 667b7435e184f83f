"""The site as it is. BENCH_MODEL=instant puts the instant model in; BENCH_SQL=file writes down every statement."""

from __future__ import annotations

import os

from bench import fake_model, sql_log

if os.environ["BENCH_MODEL"] == "instant":
    fake_model.install(fake_model.LeanInstantModel)

from supportsite.asgi import application

if path := os.environ.get("BENCH_SQL"):
    sql_log.write_to(path)

__all__ = ["application"]
