"""The processes that are measured, each on data of its own, and what they need: databases, Valkey, a model."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from bench import pgbouncer, postgres
from bench.client import HELLO, Hello
from supportsite.valkey import Valkey, free_port, start_valkey

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 90


def _environment(
    data_dir: Path, valkey: Valkey, model_url: str, database_url: str | None
) -> dict[str, str]:
    """Return production's variables."""
    url = database_url or f"sqlite:///{data_dir / 'support.sqlite3'}"
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "ENV_FILE": os.devnull,
        "DATA_DIR": str(data_dir),
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_hex(32),
        "WEBHOOK_SECRET_KEY": secrets.token_hex(32),
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": url,
        "REDIS_URL": valkey.url,
        "OPENAI_BASE_URL": model_url,
        "OPENAI_API_KEY": "none",
        "BENCH_MODEL": "http",
        "DJANGO_SETTINGS_MODULE": "supportsite.settings",
    }


def _prepare(env: dict[str, str]) -> None:
    for command in (["migrate", "--verbosity=0"], ["load_verticals", "--verbosity=0"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {command[0]} failed:\n{done.stderr}{done.stdout}")


@dataclass
class Web:
    """A web server, and what works for it.

    Attributes:
        live_path: Answers as soon as it serves.
        hello: With which a client introduces itself; None where that is not the custom.
        helpers: Other processes whose CPU time is looked at, by name; with their children.
        count_writes: Tells how many transactions have written so far; 0 where nobody counts them.
    """

    process: psutil.Popen
    url: str
    log: Path
    live_path: str
    hello: Hello | None
    helpers: dict[str, psutil.Process]
    count_writes: Callable[[], int]

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws/chat/"

    @property
    def rss_bytes(self) -> int:
        return int(self.process.memory_info().rss)

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU time so far of the server, and of what works for it, by process."""
        helpers = {name: _cpu_with_children(one) for name, one in self.helpers.items()}
        return {"server": _cpu(self.process), **helpers}

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urlopen(f"{self.url}{self.live_path}", timeout=5):
                    return
            except URLError:
                time.sleep(0.1)
        raise RuntimeError(f"the web server did not start:\n{self.log.read_text()}")


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _cpu_with_children(process: psutil.Process) -> float:
    return sum(map(_cpu, [process, *process.children()]))


class Bare:
    """The process of `bench.bare` or `bench.courier`; it is asked on its standard input."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, **question: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the asked process ended; its error stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer


class Stack:
    """Starts what is measured, and ends it."""

    def __init__(self, database: str, resources: ExitStack) -> None:
        self._resources = resources
        self._folder = Path(
            self._resources.enter_context(
                tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)
            )
        )
        self._valkey = start_valkey()
        self._resources.callback(self._valkey.stop)
        self._postgres = (
            self._resources.enter_context(postgres.open_server())
            if database == "postgres"
            else None
        )
        self._model = self._start_model()
        self._seed_url = self._new_database(None)
        self._seed = self._folder / "seed"
        self._seed.mkdir()
        _prepare(self._environment(self._seed, self._seed_url))

    def read_logs(self) -> str:
        """Return what the web servers have said."""
        return "".join(path.read_text() for path in self._folder.glob("*/web.log"))

    def _new_database(self, copy_of: str | None) -> str | None:
        if self._postgres is None:
            return None
        url = self._postgres.create(copy_of=copy_of)
        self._resources.callback(self._postgres.drop, url)
        return url

    def _start_model(self) -> tuple[psutil.Process, str]:
        """Start the language model's API; return its process and its address."""
        process = psutil.Popen(
            [sys.executable, "-m", "bench.openai_server"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._resources.callback(_end, process)
        return process, process.stdout.readline().strip()

    def _environment(self, data_dir: Path, database_url: str | None) -> dict[str, str]:
        return _environment(data_dir, self._valkey, self._model[1], database_url)

    def _new_site(self, name: str) -> tuple[Path, dict[str, str]]:
        data_dir = self._folder / name
        shutil.copytree(self._seed, data_dir)
        return data_dir, self._environment(data_dir, self._new_database(self._seed_url))

    def start_web(self, name: str = "web", **variables: str) -> Web:
        """Start the platform on a copy of the prepared data; `wait_until_ready` is the caller's."""
        return self._start_web("bench.web", name, "/health/live", variables, HELLO)

    def start_handler(self, name: str = "handler", **variables: str) -> Web:
        """Start the FastAPI handler; `wait_until_ready` is the caller's."""
        return self._start_web("bench.handler", name, "/openapi.json", variables, None)

    def _start_web(
        self,
        module: str,
        name: str,
        live_path: str,
        variables: dict[str, str],
        hello: Hello | None,
    ) -> Web:
        data_dir, env = self._new_site(name)
        return self._launch(module, data_dir, {**env, **variables}, live_path, hello)

    def start_webs(
        self, count: int, name: str, *, is_pooled: bool = False, **variables: str
    ) -> list[Web]:
        """Start the platform so many times on one copy of the prepared data, by way of pgbouncer if asked."""
        data_dir, env = self._new_site(name)
        env |= variables | (self._pooled(env["DATABASE_URL"]) if is_pooled else {})
        return [
            self._launch("bench.web", data_dir, env, "/health/live", HELLO) for _ in range(count)
        ]

    @property
    def can_pool(self) -> bool:
        return self._postgres is not None and pgbouncer.find_program() is not None

    def _pooled(self, database_url: str) -> dict[str, str]:
        assert self._postgres is not None
        pooler = self._resources.enter_context(pgbouncer.open_pooler(self._postgres.url))
        return {
            "DATABASE_URL": pgbouncer.through(pooler, database_url),
            "DATABASE_IS_POOLED": "true",
        }

    def _launch(
        self,
        module: str,
        data_dir: Path,
        env: dict[str, str],
        live_path: str,
        hello: Hello | None,
    ) -> Web:
        port = free_port()
        log = data_dir / f"web-{port}.log"
        with log.open("wb") as output:
            process = psutil.Popen(
                [sys.executable, "-m", module, "--port", str(port)],
                cwd=ROOT,
                env=env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._resources.callback(_end, process)
        url = f"http://127.0.0.1:{port}"
        return Web(process, url, log, live_path, hello, self._helpers(), self.count_writes)

    def count_writes(self) -> int:
        """Return how many transactions have written so far; 0 on SQLite, which does not count them."""
        return self._postgres.count_writes() if self._postgres else 0

    def _helpers(self) -> dict[str, psutil.Process]:
        helpers = {"model": self._model[0], "valkey": psutil.Process(self._valkey.process.pid)}
        if self._postgres and self._postgres.pid:
            helpers["postgres"] = psutil.Process(self._postgres.pid)
        return helpers

    def start_courier(self, **variables: str) -> Bare:
        """Start a process that delivers webhooks, on another copy of the prepared data."""
        return self._start_asked("bench.courier", "courier", variables)

    def start_growing(self, name: str, **variables: str) -> Bare:
        """Start a process that fills its copy of the prepared data, and measures on it."""
        if self._postgres is None:
            raise RuntimeError("growth is measured on PostgreSQL alone: --database postgres")
        return self._start_asked("bench.growing", name, variables)

    def start_bare(self, name: str = "bare", **variables: str) -> Bare:
        """Start the bare graph's process on another copy of the prepared data."""
        return self._start_asked("bench.bare", name, variables)

    def _start_asked(self, module: str, name: str, variables: dict[str, str]) -> Bare:
        _, env = self._new_site(name)
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={**env, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._resources.callback(_end, process)
        return Bare(process)


def _end(process: Any) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def open_stack(database: str) -> Iterator[Stack]:
    with ExitStack() as resources:
        stack = Stack(database, resources)
        try:
            yield stack
        except Exception:
            print(stack.read_logs(), file=sys.stderr)
            raise
