import os
import shutil
import uuid

import pytest

from tests.protocol.client import Client
from tests.site import run_manage

LEARN = """
import asyncio
from supportsite.warmup import warm_up

asyncio.run(warm_up())
"""


@pytest.fixture(scope="session")
def learned(seed, request):
    """The seed of sites, whose offline model has learned: else each site would learn anew, for seconds.

    What was learned is kept for the next session; its files' names tell from which templates.
    """
    kept = request.config.cache.mkdir("offline-model")
    folder = seed.seed_dir / "offline"
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    env = {**os.environ, **seed._database_variable(seed.seed_url), "DATA_DIR": str(seed.seed_dir)}
    run_manage("shell", "--no-imports", "-c", LEARN, env=env)
    shutil.copytree(folder, kept, dirs_exist_ok=True)
    return seed


@pytest.fixture(scope="package")
def site(learned):
    """One site for all tests of the protocol that need no settings of their own."""
    site = learned.make()
    yield site
    learned.remove(site)


@pytest.fixture
async def chat(site):
    """A visitor's connection."""
    async with Client(site.ws_url) as chat:
        yield chat


@pytest.fixture
def thread():
    """A thread that nobody has used yet."""
    return f"thread-{uuid.uuid4().hex}"
