"""Every guard is taken away in turn, and some test fails each time."""

import json
import os
import subprocess
import sys

import pytest

from tests.hostile.guards import ROOT, read_mutations

MUTATIONS = read_mutations()
AT_LEAST = 12


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[one.guard for one in MUTATIONS])
def test_the_guard_stands_in_the_source(mutation):
    source, function = mutation.mutate()
    assert function
    compile(source, mutation.file, "exec")


def test_there_are_enough_and_each_is_told_apart():
    names = [mutation.guard for mutation in MUTATIONS]
    assert len(names) >= AT_LEAST
    assert len(set(names)) == len(names)


@pytest.mark.timeout(600)
def test_without_any_one_guard_some_test_fails():
    # On SQLite, whatever the others run on: two test runs cannot share a database on a server.
    environment = {k: v for k, v in os.environ.items() if k != "TEST_DATABASE_URL"}
    environment["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    command = [sys.executable, "-m", "tests.hostile.guards"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=590
    )
    lines = ended.stdout.strip().splitlines()
    result = json.loads(lines[-1]) if lines else {}
    assert result.get("missed") == [], ended.stdout[-4_000:] + ended.stderr[-4_000:]
    assert len(result["noticed"]) == len(MUTATIONS)
