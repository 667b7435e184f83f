"""Log lines as JSON, one object a line. What customers write, and what is secret, never stands in one."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb
from typing import Any

from conversations.telemetry import get_log_ids
from supportsite.env import ROOT


class JsonFormatter(logging.Formatter):
    """Writes time, level, logger, message, the ids of what it is about, and the exception."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **get_log_ids(),
        }
        if record.exc_info and record.exc_info[1]:
            line["exception"] = list(_describe(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=False)


def _describe(error: BaseException) -> Iterator[dict[str, Any]]:
    """Yield an exception and what caused it: the kind, and where. Not its text, which may quote a customer or a key."""
    told: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in told:
        told.add(id(following))
        frames = extract_tb(following.__traceback__)
        yield {
            "type": type(following).__qualname__,
            "at": [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
        }
        hidden = None if following.__suppress_context__ else following.__context__
        following = following.__cause__ or hidden


def _place(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else filename
