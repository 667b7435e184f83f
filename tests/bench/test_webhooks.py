"""The bench of webhooks in its quick form: that it measures and writes what it should; never how fast."""

import json
import os
import subprocess
import sys

from tests.site import ROOT


def test_rate_baseline_and_the_other_endpoint_s_wait_are_measured(tmp_path):
    command = [sys.executable, "-m", "bench", "webhooks", "--database", "sqlite"]
    done = subprocess.run(
        [*command, "--results", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "BENCH_QUICK": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    [file] = tmp_path.iterdir()
    assert file.name.startswith("webhooks-")
    result = json.loads(file.read_text())["sqlite"]
    assert result["platform"]["count"] == result["bare"]["count"] == 200
    assert result["rate_ratio"] > 0
    other = result["other_endpoint"]
    assert other["delivered"] == other["sent"] == 10
    assert 0 < other["p50_ms"] <= other["p95_ms"]
    assert "webhooks a second to one endpoint" in done.stdout
