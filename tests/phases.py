"""How `make test` runs pytest: a process for each core, and then, alone, what measures how long people wait."""

import subprocess
import sys

# A file's tests stay together, for they share a site; Chromium's come last (tests/conftest.py).
SPREAD = ("-n", "logical", "--dist", "loadfile", "--no-loadscope-reorder")
NOTHING_COLLECTED = 5


def run_pytest(which, arguments, env):
    """Run the tests that a marker expression names; return the first exit code that is a failure, or 0.

    Args:
        which: Such as "not live".
        arguments: pytest's own; with a -m among them, that decides, in one phase.
        env: The variables.
    """
    phases = [([*SPREAD, "-m", f"({which}) and not alone"]), (["-m", f"({which}) and alone"])]
    if "-m" in arguments:
        phases = [[]]
    codes = [
        subprocess.run(
            [sys.executable, "-m", "pytest", *phase, *arguments], env=env, check=False
        ).returncode
        for phase in phases
    ]
    return next((code for code in codes if code not in (0, NOTHING_COLLECTED)), 0)
