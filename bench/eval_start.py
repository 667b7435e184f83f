"""What the offline model costs a process: time to start with a warm cache, memory it adds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from agents.spec import TemplateSpec

_CHILD = """
import json, sys, time
from pathlib import Path
import psutil
from agents.spec import TemplateSpec
templates = [TemplateSpec.model_validate_json(line) for line in sys.stdin]
process = psutil.Process()
from agents.offline.model import warm_up
before, memory = time.perf_counter(), process.memory_info().rss
for template in templates:
    warm_up(template, Path(sys.argv[1]))
seconds = time.perf_counter() - before
print(json.dumps({"seconds": round(seconds, 2), "memory_mb": round((process.memory_info().rss - memory) / 1e6)}))
"""


def measure_start(templates: dict[str, TemplateSpec], cache_dir: Path) -> dict[str, Any]:
    """Return {"seconds", "memory_mb"} of a new process that warms up all templates, which were learned before."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(cache_dir)],
        input="\n".join(template.model_dump_json() for template in templates.values()),
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result
