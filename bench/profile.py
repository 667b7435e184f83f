"""Where the web server's CPU goes, by py-spy: `python -m bench --profile`.

Two views of the same samples: by who worked (the innermost known library), and by what it was for (the step of a
turn, with everything below it). Beside them a flame graph.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from bench.goals import Goal
from bench.speed import converse_at_once
from bench.stack import Stack, Web

RATE = 250
CONVERSATIONS = 16
TURNS = 12

TITLE = re.compile(r'(<text id="title"[^>]*>)[^<]*')
# The frame nearest to the leaf that matches decides who worked; within a frame the first line that matches.
WORKERS = (
    ("SQLite and psycopg drivers", ("/django/db/backends/", "/psycopg", "/sqlite3/")),
    ("checkpoints", ("/langgraph/checkpoint/", "/ormsgpack")),
    ("Django ORM", ("/site-packages/django/",)),
    ("channel layer, Valkey", ("/channels_redis/", "/redis/", "/channels/layers", "/msgpack/")),
    ("LangGraph", ("/site-packages/langgraph/",)),
    ("OpenAI's client, HTTP", ("/openai/", "/aiohttp/", "/httpx/", "/httpcore/")),
    ("LangChain", ("/langchain_core/", "/langchain_openai/", "/langsmith/")),
    ("sockets", ("/uvicorn/", "/websockets/", "/site-packages/channels/")),
    ("Markdown", ("/markdown_it/", "/nh3/", "/conversations/markdown.py")),
    ("JSON", ("/json/",)),
    ("pydantic", ("/pydantic/",)),
    ("price table", ("/genai_prices/",)),
    ("thread hops", ("/asgiref/", "/concurrent/", "/threading.py", "/asyncio/threads.py")),
    ("event loop", ("/asyncio/", "/uvloop/", "/selectors.py")),
    ("agents/", ("/agents/",)),
    ("conversations/", ("/conversations/",)),
)
# The first line of which any frame of the stack matches decides what the work was for.
STEPS = (
    ("accept the message", ("receive_message (",)),
    ("claim the run", ("claim_next (",)),
    ("store the plan", ("record (",)),
    ("store the answer", ("finish (",)),
    ("lock the gathered conversations", ("Unit.hold (",)),
    ("write the gathered rows", ("Unit.flush (",)),
    ("ask for the time", ("database_now (",)),
    ("read events", ("list_events (",)),
    ("doorbells and relays", ("_send (", "/channels_redis/", "/redis/")),
    ("checkpoints", ("/langgraph/checkpoint/", "/agents/saver.py")),
    (
        "model and router",
        ("/agents/graph/calls.py", "/langchain_core/", "/agents/open_ai", "/aiohttp/"),
    ),
    ("graph", ("/site-packages/langgraph/",)),
    ("drive the run", ("/conversations/runs.py", "/conversations/voice.py")),
    (
        "frames in and out",
        ("/conversations/", "/site-packages/channels/", "/uvicorn/", "/websockets/"),
    ),
    ("thread hops", ("/asgiref/", "/concurrent/", "/threading.py")),
)
# In any frame: a turn's rows are being written or read.
STORING = (
    *("/conversations/gathering.py", "/conversations/unit.py", "/conversations/rows.py"),
    *("/conversations/services/", "/conversations/database.py", "/django/db/", "/psycopg"),
)
CHECKPOINTS = ("/langgraph/checkpoint/", "/agents/saver.py")
Stacks = list[tuple[list[str], int]]


def parse(raw: str) -> Stacks:
    """Return (frames from the root, samples) of py-spy's raw format."""
    stacks = []
    for line in raw.splitlines():
        frames, _, count = line.rpartition(" ")
        stacks.append((frames.split(";"), int(count)))
    return stacks


def _find(frames: list[str], table: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    for frame in frames:
        for name, patterns in table:
            if any(pattern in frame for pattern in patterns):
                return name
    return "other"


def shares(stacks: Stacks, cpu_ms: float) -> dict[str, dict[str, float]]:
    """Return the CPU milliseconds a turn by worker and by step.

    Only threads that hold the interpreter's lock are sampled, as other states of a thread cannot be told from waiting.
    Their shares are applied to all CPU time, that of SQLite and of system calls included.
    """
    total = sum(count for _, count in stacks)
    views = {}
    for view, find in (("by_step", _find_step), ("by_worker", _find_worker)):
        spent: Counter[str] = Counter()
        for frames, count in stacks:
            spent[find(frames)] += count
        views[view] = {
            name: round(cpu_ms * count / total, 2) for name, count in spent.most_common()
        }
    return views


def _find_worker(frames: list[str]) -> str:
    for frame in reversed(frames):
        for name, patterns in WORKERS:
            if any(pattern in frame for pattern in patterns):
                return name
    return "other"


def _find_step(frames: list[str]) -> str:
    for name, patterns in STEPS:
        if _has(frames, patterns):
            return name
    return "event loop and other"


def _storing_ms(stacks: Stacks, cpu_ms: float) -> float:
    """Return the CPU a turn of all that talks to the database, but for the checkpoints."""
    total = sum(count for _, count in stacks)
    storing = sum(count for frames, count in stacks if _stores(frames))
    return round(cpu_ms * storing / total, 2)


def _stores(frames: list[str]) -> bool:
    return _has(frames, STORING) and not _has(frames, CHECKPOINTS)


def _has(frames: list[str], patterns: tuple[str, ...]) -> bool:
    return any(pattern in frame for frame in frames for pattern in patterns)


def measure(stack: Stack, folder: Path, flame_graph: Path, *, turns: int = TURNS) -> dict[str, Any]:
    """Profile the web server under load; write the flame graph, and return where its CPU went."""
    web = stack.start_web("profile")
    web.wait_until_ready()
    asyncio.run(converse_at_once(web, CONVERSATIONS, turns))
    raw = folder / "stacks.txt"
    figures = _load_under(web, turns, ["--format", "raw", "--full-filenames", "-o", str(raw)])
    _load_under(web, turns, ["--format", "flamegraph", "-o", str(flame_graph)])
    # Its title is the whole command, with this machine's paths.
    flame_graph.write_text(TITLE.sub(r"\g<1>CPU of the web server", flame_graph.read_text()))
    stacks = parse(raw.read_text())
    cpu_ms = figures["cpu_ms_per_turn"]["server"]
    spent = shares(stacks, cpu_ms)
    return {"figures": figures, "storing_ms": _storing_ms(stacks, cpu_ms), **spent}


def _load_under(web: Web, turns: int, options: list[str]) -> dict[str, Any]:
    """Give load while py-spy watches."""
    spy = shutil.which("py-spy", path=Path(sys.executable).parent) or "py-spy"
    target = ["--pid", str(web.process.pid), "--rate", str(RATE), "--gil", "--nonblocking"]
    watch = subprocess.Popen(
        [spy, "record", *target, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    figures = asyncio.run(converse_at_once(web, CONVERSATIONS, turns))
    watch.send_signal(signal.SIGINT)  # as Ctrl-C: it writes what it has
    _, errors = watch.communicate(timeout=60)
    if watch.returncode:
        raise RuntimeError(f"py-spy failed: {errors}")
    return figures


def find_goals(result: dict[str, Any]) -> list[Goal]:
    return [Goal("storing a turn, ms CPU", result["storing_ms"], 0.5)]


def table(database: str, result: dict[str, Any]) -> str:
    """Return both views for people."""
    cpu = result["figures"]["cpu_ms_per_turn"]["server"]
    lines = [
        f"\n{database}: {cpu:.1f} ms CPU a turn while being watched, {result['storing_ms']} of it to store the turn"
    ]
    for view in ("by_step", "by_worker"):
        lines.append(f"\n{view.replace('_', ' ')}, ms")
        lines += [f"{ms:8.2f}  {name}" for name, ms in result[view].items()]
    return "\n".join(lines)
