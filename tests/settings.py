"""supportsite.settings with folders and a Valkey of the tests' own. pytest-django loads this before any conftest.py.

What is set here as environment variables reaches the processes that tests start, too.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from supportsite.processes import Watchdog
from supportsite.valkey import start_valkey

SCRATCH = Path(tempfile.mkdtemp(prefix="smart-support-tests-"))
VALKEY = start_valkey()
# Ends what the tests have started if they are killed themselves.
WATCHDOG = Watchdog()
WATCHDOG.watch(VALKEY.process.pid)


def _clean_up() -> None:
    VALKEY.stop()
    WATCHDOG.dismiss()
    shutil.rmtree(SCRATCH, ignore_errors=True)


atexit.register(_clean_up)

# For tests/live alone: all others must not depend on a model of somebody's.
LIVE_NAMES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LLM_MODEL")
LIVE_MODEL = {name: os.environ.pop(name) for name in LIVE_NAMES if name in os.environ}

for name in ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "ALLOWED_ORIGINS"):
    os.environ.pop(name, None)
for name in ("LLM_FALLBACK_MODEL", "IDENTITY_SECRET", "PORT", "LOG_FORMAT", "METRICS_TOKEN"):
    os.environ.pop(name, None)
for name in ("METRICS_PORT", "OTEL_EXPORTER_OTLP_ENDPOINT", "LANGSMITH_TRACING"):
    os.environ.pop(name, None)
os.environ["ENV_FILE"] = os.devnull  # a developer's .env is none of the tests' business
os.environ["DATA_DIR"] = str(SCRATCH / "data")
os.environ["REDIS_URL"] = VALKEY.url
os.environ.pop("DATABASE_URL", None)
if url := os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = url

from supportsite.settings import *  # noqa: E402, F403 - it reads the environment set above
from supportsite.settings import DATABASES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if not url:
    DATABASES["default"]["OPTIONS"]["timeout"] = 2  # a failing test should not take 20 s to say so
    # In memory, threads would share one cache with table locks that no timeout waits for.
    DATABASES["default"]["TEST"] = {"NAME": str(SCRATCH / "test.sqlite3")}
