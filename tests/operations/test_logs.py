"""Log lines as JSON: what they say of a whole conversation, and what they never say."""

import json
import logging
import sys

from conversations.telemetry import observe_turn, set_log_ids
from supportsite.logs import JsonFormatter, WithoutSockets


def read(record):
    return json.loads(JsonFormatter().format(record))


def record(message="it failed", *args, exc_info=None):
    return logging.LogRecord("conversations.runs", logging.ERROR, "", 1, message, args, exc_info)


def test_a_line_of_a_run_names_it():
    with observe_turn(run_id="r", conversation_id="c", thread_id="t"):
        line = read(record("run %s failed", "r"))
    assert line["message"] == "run r failed"
    assert (line["run_id"], line["conversation_id"], line["thread_id"]) == ("r", "c", "t")
    assert "run_id" not in read(record())


def test_a_line_of_a_frame_names_its_thread_and_not_the_last_one():
    set_log_ids(thread_id="t")
    assert read(record())["thread_id"] == "t"
    set_log_ids(thread_id=None)
    assert "thread_id" not in read(record())


def test_a_line_of_several_is_one_line():
    assert "\n" not in JsonFormatter().format(record("one\ntwo"))


def test_an_exception_says_where_and_not_what():
    try:
        try:
            raise ValueError("my doctor's name is Quillfeather")
        except ValueError as error:
            raise KeyError("sk-secret") from error
    except KeyError:
        error = sys.exc_info()[1]
        text = JsonFormatter().format(record("broke: %r", error, exc_info=sys.exc_info()))
    assert "Quillfeather" not in text
    assert "sk-secret" not in text
    told = json.loads(text)["exception"]
    assert [part["type"] for part in told] == ["KeyError", "ValueError"]
    assert told[0]["at"][0].startswith("tests/operations/test_logs.py:")


def test_a_socket_that_comes_and_goes_is_no_line():
    quiet = WithoutSockets().filter
    accepted = logging.LogRecord(
        "uvicorn.error", logging.INFO, "", 1, '%s - "WebSocket %s" [accepted]', ("a", "b"), None
    )
    assert not quiet(accepted)
    assert quiet(record("Application startup complete."))
    assert quiet(record("connection handler failed"))  # an error
