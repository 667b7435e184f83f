"""The worker as a process: beat runs in it, and nothing of LangChain is loaded before it is needed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import redis
from celery import Celery

from tests.faults.forked_site import Valkey

ROOT = Path(__file__).resolve().parents[2]


def test_beat_sends_the_sweeps_and_leaves_no_file(make_site):
    before = set(ROOT.glob("celerybeat*"))
    site = make_site(SWEEP_SECONDS=0.5, worker=True)
    client = redis.Redis.from_url(site.valkey.url)
    deadline = time.monotonic() + 30
    while not client.info("commandstats").get("cmdstat_lpush", {}).get("calls", 0) >= 4:
        assert time.monotonic() < deadline, site.log
        time.sleep(0.1)
    client.close()
    site.stop()
    assert "Traceback" not in site.log
    assert set(ROOT.glob("celerybeat*")) <= before


WITH_A_SLOW_TASK = """
import time
from supportsite.celery import app
from supportsite.worker import work

@app.task(name="slow")
def slow(seconds):
    print(f"begun {seconds}", flush=True)
    time.sleep(seconds)
    print(f"done {seconds}", flush=True)

work(has_beat=False)
"""


def test_a_worker_goes_on_when_valkey_has_been_away_in_the_middle_of_a_task(tmp_path):
    valkey, log = Valkey(), tmp_path / "log"
    tell = Celery(broker=valkey.url, set_as_current=False).send_task

    def wait_for(text):
        deadline = time.monotonic() + 60
        while text not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)

    with log.open("w") as output:
        worker = subprocess.Popen(
            [sys.executable, "-c", WITH_A_SLOW_TASK],
            env={**os.environ, "DATA_DIR": str(tmp_path), "REDIS_URL": valkey.url},
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        tell("slow", [4])
        wait_for("begun 4")
        valkey.kill()
        valkey.start()
        wait_for("begins anew")
        tell("slow", [0])
        wait_for("done 0")
        worker.terminate()
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.wait()
        valkey.kill()


def test_celery_app_and_tasks_load_without_langchain(seed):
    code = (
        "import django, sys; django.setup(); import supportsite.celery, conversations.tasks; "
        "print([name for name in sys.modules if name.startswith(('langchain', 'langgraph', 'openai'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
