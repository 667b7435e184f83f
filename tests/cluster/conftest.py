import os
import time

import pytest

from bench.pgbouncer import find_program, open_pooler
from tests.cluster.cluster import Cluster, find_nginx
from tests.cluster.model import answer
from tests.cluster.staff import Staff
from tests.faults import invariants
from tests.faults.databases import PostgresCopy
from tests.openai_server.server import OpenAIServer

# The shop of the demo has a history of its own, which no effect tells of.
NOT_OF_THE_DEMO = (invariants.shop_agrees_with_effects,)


class Rows(PostgresCopy):
    """The cluster's database, read past the product's code."""

    def wait_for(self, sql, *params, seconds=45):
        """Wait until a query gives something other than nothing and null; returns it."""
        deadline = time.monotonic() + seconds
        while True:
            rows = self.rows(sql, *params)
            if rows and (value := next(iter(rows[0].values()))):
                return value
            assert time.monotonic() < deadline, f"not within {seconds} s: {sql} {params}"
            time.sleep(0.1)

    def conversation(self, thread):
        return self.value("SELECT id FROM conversations_conversation WHERE thread_id = ?", thread)

    def check(self, *, is_over=True):
        """Return what is wrong with the rows."""
        rules = [rule for rule in invariants.RULES if rule not in NOT_OF_THE_DEMO]
        rules += invariants.RULES_AT_THE_END if is_over else ()
        return [text for rule in rules for text in rule(self)]


@pytest.fixture(scope="package")
def model():
    server = OpenAIServer(answer).start()
    yield server
    server.stop()


@pytest.fixture(scope="package")
def cluster(seed, model, tmp_path_factory):
    """All of it, for all tests of this folder: each start of a process costs seconds."""
    if not (find_nginx() and find_program()):
        pytest.skip("nginx or pgbouncer is not installed (apt install nginx-light pgbouncer)")
    folder = tmp_path_factory.mktemp("cluster")
    url = seed._new_database(seed.seed_url)
    with open_pooler(url) as pooler:
        cluster = Cluster(folder, url, model.url, pooler)
        cluster.rows = Rows(folder, url.rpartition("/")[2], url.rpartition("/")[0])
        cluster.password = (seed.seed_dir / "staff_password").read_text().strip()
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.close()


@pytest.fixture(scope="package")
def staff(cluster):
    """Somebody who decides and takes over, on web 2."""
    return Staff(cluster.ports["web2"]).login(cluster.password)


@pytest.fixture
def thread(request):
    return f"{request.node.name}-{os.urandom(4).hex()}"
