"""The bench in its quick form: that it measures and writes what it should; never how fast."""

import json
import os
import subprocess
import sys

import pytest

from tests.site import ROOT

# The first test waits for all processes to start, which on a busy machine takes minutes.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--database", "sqlite", "--results", str(folder)],
        cwd=ROOT,
        env={**os.environ, "BENCH_QUICK": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    [file] = folder.iterdir()
    return {"text": file.read_text(), "printed": done.stdout, **json.loads(file.read_text())}


@pytest.mark.parametrize(
    "column", ["platform", "handler", "bare_updates", "bare_messages", "platform_alone"]
)
def test_every_column_has_its_figures(result, column):
    measured = result["sqlite"]["http"][column]
    assert measured["turns_per_second"] > 0
    assert measured["cpu_ms_per_turn"]["server"] > 0
    assert measured["rss_mb"] > 10
    for name in ("latency_ms", "first_token_ms"):
        assert 0 < measured[name]["p50"] <= measured[name]["p95"]


def test_all_that_is_compared_alternates_equally_often(result):
    plan, repetitions = result["plan"], result["sqlite"]["http"]["repetitions"]
    counts = {len(measured) for measured in repetitions.values()}
    assert counts == {plan["repetitions"]}
    turns = {one["turns"] for name in ("platform", "handler") for one in repetitions[name]}
    assert turns == {plan["conversations"] * plan["turns"]}


def test_the_result_says_of_what_it_is(result):
    assert set(result["run"]) >= {"date", "commit", "machine", "python", "packages"}
    assert result["run"]["machine"]["cores"] >= 1
    assert result["run"]["packages"]["langgraph"]


def test_the_result_names_no_machine_and_no_path(result):
    assert set(result["run"]["machine"]) == {"cores", "system", "architecture", "load_before"}
    assert str(ROOT) not in result["text"]


def test_each_goal_stands_beside_its_figure(result):
    lines = [line for line in result["printed"].splitlines() if line.endswith(("met", "missed"))]
    assert len(lines) == 5
    assert any(line.startswith("CPU a turn, platform / handler") for line in lines)
