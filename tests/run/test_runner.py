"""`make run` as a process: what it says, what it refuses, and that nothing outlives it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from supportsite.valkey import free_port

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "supportsite.runner"]
STOP_SECONDS = 15  # 5 on a machine that does nothing else


def without_valkey(**variables):
    env = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    # MAKEFLAGS: what was given to `make test` is not for the `make run` that a test starts.
    left = ("REDIS_URL", "DATABASE_URL", "MAKEFLAGS", "ARGS")
    return {name: value for name, value in env.items() if name not in left}


class Running:
    """A runner, what it has printed, and its family."""

    def __init__(self, data_dir, command=COMMAND, **variables):
        self.port = free_port()
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=without_valkey(DATA_DIR=data_dir, PORT=self.port, **variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def close(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(STOP_SECONDS)
        self.process.stdout.close()

    @property
    def printed(self):
        return "".join(self.lines)

    def wait_for(self, text, seconds=60):
        deadline = time.monotonic() + seconds
        while text not in self.printed:
            assert time.monotonic() < deadline, self.printed
            assert self.process.poll() is None, self.printed
            time.sleep(0.02)

    def wait_until_up(self):
        self.wait_for("data   ")
        return self

    def family(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def part(self, text):
        return next(child for child in self.family() if text in " ".join(child.cmdline()))

    def assert_ends(self, family, code):
        """Everything is gone within five seconds, and the exit code is right."""
        deadline = time.monotonic() + STOP_SECONDS
        assert self.process.wait(STOP_SECONDS) == code, self.printed
        _, alive = psutil.wait_procs(family, timeout=deadline - time.monotonic())
        alive = [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]
        assert not alive, alive
        self.reader.join(1)


@pytest.fixture
def start(seed, tmp_path):
    """Start a runner on a copy of the prepared data, or on a new folder."""
    started = []

    def start(*, is_new=False, **options):
        data_dir = tmp_path / "data"
        if not (is_new or seed.postgres):
            shutil.copytree(seed.seed_dir, data_dir)
        started.append(Running(data_dir, **options))
        return started[-1]

    yield start
    for running in started:
        running.close()


def refused(*arguments, **variables):
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=without_valkey(**variables),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_start_says_where_everything_is_and_ctrl_c_ends_it(start, tmp_path):
    running = start(is_new=True).wait_until_up()
    password_file = tmp_path / "data" / "staff_password"
    password = password_file.read_text().strip()
    url = f"http://localhost:{running.port}"
    assert f"chat   {url}/\n" in running.printed
    assert f"admin  {url}/admin/\n" in running.printed
    assert f"staff  admin / {password}\n" in running.printed
    assert password_file.stat().st_mode & 0o777 == 0o600
    for page in ("/", "/admin/login/", "/health/ready"):
        with urlopen(f"http://127.0.0.1:{running.port}{page}") as answer:
            assert answer.status == 200
    family = running.family()
    assert len(family) == 4  # the watchdog, Valkey, web, worker
    running.process.send_signal(signal.SIGINT)
    running.assert_ends(family, 0)
    assert "Traceback" not in running.printed


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP])
def test_signal_during_the_setup_ends_it(start, sign):
    running = start()
    running.wait_for("Starting")
    time.sleep(0.3)
    family = running.family()
    running.process.send_signal(sign)
    running.assert_ends(family, 0)


def test_sigterm_ends_it_while_a_browser_is_connected(start):
    running = start().wait_until_up()
    with socket.create_connection(("127.0.0.1", running.port)) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\n")  # half a request
        family = running.family()
        running.process.terminate()
        running.assert_ends(family, 0)


def test_nothing_outlives_a_runner_that_is_killed(start):
    running = start().wait_until_up()
    family = running.family()
    running.process.kill()
    running.assert_ends(family, -signal.SIGKILL)


@pytest.mark.parametrize(
    "part", ["supportsite.web", "supportsite.worker", "valkey-server", "while read"]
)
def test_death_of_a_part_ends_it(start, part):
    running = start().wait_until_up()
    family = running.family()
    running.part(part).kill()
    running.assert_ends(family, 1)
    assert re.search(r"The \w+ process has ended", running.printed)


def test_it_ends_with_the_make_that_started_it(start):
    shell = ["/bin/sh", "-c", f"{sys.executable} -m supportsite.runner --stop-with-parent; true"]
    running = start(command=shell).wait_until_up()
    family = running.family()
    running.process.kill()
    running.assert_ends(family, -signal.SIGKILL)


def test_interrupt_that_reaches_only_make_ends_it(start):
    # bootstrap.py, which `make run` starts first, is not this test's business.
    make = ["make", "run", "-o", "setup", f"PY={sys.executable}"]
    running = start(command=make).wait_until_up()
    family = running.family()
    running.process.send_signal(signal.SIGINT)
    running.assert_ends(family, -signal.SIGINT)


def test_taken_port_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(PORT=port, DATA_DIR=tmp_path)
    assert line.startswith(f"PORT={port}: another program listens there; choose another")


def test_second_start_on_the_same_folder_is_one_line(start, tmp_path):
    running = start()
    running.wait_for("Starting")
    line = refused(PORT=free_port(), DATA_DIR=tmp_path / "data")
    assert f"in use by the site that process {running.process.pid} runs" in line


def test_unwritable_folder_is_one_line():
    assert refused(DATA_DIR="/dev/null/data").startswith(
        "DATA_DIR=/dev/null/data: cannot be written"
    )


def test_bad_value_is_one_line(tmp_path):
    assert refused(PORT="http", DATA_DIR=tmp_path).startswith("PORT=http: ")


def test_unreachable_database_is_one_line_and_exit_code_2(start):
    url = f"postgres://nobody@127.0.0.1:{free_port()}/none"
    running = start(command=["env", f"DATABASE_URL={url}", *COMMAND])
    assert running.process.wait(30) == 2
    running.reader.join(1)
    assert "CommandError: DATABASE_URL: cannot be reached: " in running.printed
    assert "Traceback" not in running.printed
