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


class WithoutSockets(logging.Filter):
    """Drops uvicorn's three lines for each socket; how many are open, /metrics says."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno != logging.INFO or not str(record.msg).startswith(
            ("connection ", '%s - "WebSocket ')
        )


class JsonFormatter(logging.Formatter):
    """Writes time, level, logger, message, the ids of what it is about, and the exception."""

    def format(self, record: logging.LogRecord) -> str:
        errors = list(_list_chain(record.exc_info[1])) if record.exc_info else []
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _without_texts(record.getMessage(), errors),
            **get_log_ids(),
        }
        if errors:
            line["exception"] = [_describe(error) for error in errors]
        return json.dumps(line, ensure_ascii=False)


def _list_chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, and what caused it."""
    told: set[int] = set()
    while error is not None and id(error) not in told:
        told.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _describe(error: BaseException) -> dict[str, Any]:
    """Return the kind of an exception, and where. Not its text, which may quote a customer or a key."""
    frames = extract_tb(error.__traceback__)
    return {
        "type": type(error).__qualname__,
        "at": [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _without_texts(message: str, errors: list[BaseException]) -> str:
    # Celery and asyncio put an exception's text into the message of its line, too.
    for text in filter(None, map(str, errors)):
        message = message.replace(text, "…")
    return message


def _place(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else filename
