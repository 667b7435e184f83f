"""A real site for tests: uvicorn, and a Celery worker if asked for, as processes on data of their own.

def test_page(site):                       # one for all tests of a module
    urlopen(site.url + "/")

def test_expiry(make_site):                # own settings, with a worker and its beat
    site = make_site(worker=True, INTERRUPT_TTL_SECONDS=2)
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest

from supportsite.valkey import free_port, start_valkey
from tests.settings import WATCHDOG

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60
STOP_SECONDS = 10


def run_manage(*arguments, env):
    """Run manage.py with `env` and return what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def run_on_postgres(statement):
    """Run one statement on the server of TEST_DATABASE_URL."""
    server = os.environ["TEST_DATABASE_URL"].rpartition("/")[0]
    with psycopg.connect(server + "/postgres", autocommit=True) as connection:
        connection.execute(statement)


def disconnect_all(database):
    run_on_postgres(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
    )


class PostgresDatabase:
    """Databases on the server of TEST_DATABASE_URL."""

    def __init__(self, url):
        self.server = url.rpartition("/")[0]

    def create(self, *, template=None):
        name = f"site_{uuid.uuid4().hex[:12]}"
        run_on_postgres(
            f"CREATE DATABASE {name}"
            + (f" TEMPLATE {template.rpartition('/')[2]}" if template else "")
        )
        return f"{self.server}/{name}"

    def drop(self, url):
        run_on_postgres(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")


class Site:
    """Processes with an address. `restart()` keeps data and port; `env` are the processes' variables."""

    def __init__(self, data_dir, env, *, has_worker=False):
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}"
        self.has_worker = has_worker
        self.valkey = start_valkey()
        WATCHDOG.watch(self.valkey.process.pid)
        variables = {"STOP_GRACE_SECONDS": "1.5", **env}
        self.env = {
            **os.environ,
            **variables,
            "DATA_DIR": str(data_dir),
            "REDIS_URL": self.valkey.url,
        }
        self.log_file = data_dir / "site.log"
        self.web = None
        self.worker = None

    @property
    def log(self):
        return self.log_file.read_text()

    @property
    def staff(self):
        """Name and password of the staff login that a start makes."""
        return "admin", (self.data_dir / "staff_password").read_text().strip()

    def manage(self, *arguments):
        return run_manage(*arguments, env=self.env)

    def shell(self, code):
        """Run Python code in the site's Django and return what it printed; one line of JSON is read."""
        printed = self.manage("shell", "--no-imports", "-c", code)
        try:
            return json.loads(printed)
        except ValueError:
            return printed

    def start(self):
        self.start_web()
        if self.has_worker:
            self.start_worker()
        self.wait_until_ready()

    def start_web(self):
        self.web = self._launch(["-m", "supportsite.web", "--port", str(self.port)])

    def start_worker(self):
        self.worker = self._launch(["-m", "supportsite.worker"])

    def wait_until_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self.web.poll() is None, f"the web server ended:\n{self.log}"
            try:
                with urlopen(self.url + "/health/ready", timeout=5):
                    return
            except HTTPError as error:
                raise AssertionError(f"not ready: {error.read().decode()}\n{self.log}") from None
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"not ready after {READY_SECONDS} s:\n{self.log}")

    def stop(self):
        for process in (self.web, self.worker):
            _end(process, signal.SIGTERM)
        self.web = self.worker = None

    def kill(self):
        """End all at once, as a power cut would."""
        for process in (self.web, self.worker):
            _end(process, signal.SIGKILL)
        self.web = self.worker = None

    def restart(self):
        self.stop()
        self.start()

    def _launch(self, arguments):
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        WATCHDOG.watch(process.pid)
        return process


def _end(process, sign):
    if process is None:
        return
    try:
        os.killpg(process.pid, sign)
        process.wait(STOP_SECONDS)
    except ProcessLookupError:
        process.wait()
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Sites:
    """Makes sites as copies of one that was migrated and loaded once."""

    def __init__(self, folder):
        self.folder = folder
        self.made = []
        url = os.environ.get("TEST_DATABASE_URL")
        self.postgres = PostgresDatabase(url) if url else None
        self.databases = []
        self.seed_dir = folder / "seed"
        self.seed_url = self._new_database()
        env = {**os.environ, "DATA_DIR": str(self.seed_dir)}
        self.seed_env = {**env, **self._database_variable(self.seed_url)}
        run_manage("prepare_site", env=self.seed_env)

    def _new_database(self, template=None):
        if not self.postgres:
            return None
        self.databases.append(self.postgres.create(template=template))
        return self.databases[-1]

    @staticmethod
    def _database_variable(url):
        return {"DATABASE_URL": url} if url else {}

    def make(self, *, worker=False, start=True, **env):
        data_dir = self.folder / uuid.uuid4().hex[:8]
        shutil.copytree(self.seed_dir, data_dir)
        variables = self._database_variable(self._new_database(self.seed_url))
        variables.update({name: str(value) for name, value in env.items()})
        site = Site(data_dir, variables, has_worker=worker)
        self.made.append(site)
        if start:
            site.start()
        return site

    def remove(self, site):
        site.stop()
        site.valkey.stop()
        self.made.remove(site)

    def close(self):
        for site in list(self.made):
            self.remove(site)
        for url in self.databases:
            self.postgres.drop(url)


@pytest.fixture(scope="session")
def seed(tmp_path_factory):
    sites = Sites(tmp_path_factory.mktemp("sites"))
    yield sites
    sites.close()


@pytest.fixture
def make_site(seed):
    """Make sites for one test: `make_site(worker=True, start=True, NAME=value)`."""
    made = []

    def make(**options):
        made.append(seed.make(**options))
        return made[-1]

    yield make
    for site in made:
        seed.remove(site)


@pytest.fixture(scope="module")
def site(seed):
    """One site for the tests of a module, with a worker."""
    site = seed.make(worker=True)
    yield site
    seed.remove(site)
