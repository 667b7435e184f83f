"""The worker as a process: beat runs in it, and nothing of LangChain is loaded before it is needed."""

import subprocess
import sys
import time
from pathlib import Path

import redis

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


def test_celery_app_and_tasks_load_without_langchain(seed):
    code = (
        "import django, sys; django.setup(); import supportsite.celery, conversations.tasks; "
        "print([name for name in sys.modules if name.startswith(('langchain', 'langgraph', 'openai'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
