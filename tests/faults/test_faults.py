"""A few trials of each group; `make faults` makes them all."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from tests.faults.groups import GROUPS

SECONDS = 400  # they take a minute; a busy machine is no fault
VENDOR = "postgres" if os.environ.get("TEST_DATABASE_URL") else "sqlite"

pytestmark = [
    pytest.mark.alone,
    pytest.mark.faults,
    pytest.mark.database,
    pytest.mark.timeout(SECONDS + 60),
]


@pytest.fixture(scope="module")
def rows(request, tmp_path_factory):
    """The rows of the groups whose tests were chosen, from one run: importing everything takes longer than most."""
    chosen = [
        item.callspec.params["group"]
        for item in request.session.items
        if item.module is request.module and hasattr(item, "callspec")
    ]
    output = tmp_path_factory.mktemp("faults") / "rows.jsonl"
    command = [sys.executable, "-W", "ignore", "-m", "tests.faults.zygote", "--short"]
    command += ["--kills", "4", "--output", str(output), "--only", *chosen]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        process.wait(SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return {row["group"]: row for row in map(json.loads, output.read_text().splitlines())}


@pytest.mark.parametrize("group", [group.name for group in GROUPS if VENDOR in group.databases])
def test_nothing_is_lost_or_done_twice(group, rows):
    row = rows[group]
    assert row["trials"] > 0
    assert row["complaints"] == []
