"""bootstrap.py: what it tells an old Python, and that it leaves a whole .venv alone."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "bootstrap.py"
PRETEND = f"""
import runpy, sys
sys.version_info = (3, 9, 2, "final", 0)
sys.argv = ["bootstrap.py", "requirements.txt"]
runpy.run_path({str(SOURCE)!r}, run_name="__main__")
"""


def test_old_pythons_can_parse_it():
    ast.parse(SOURCE.read_text(), feature_version=(3, 6))


def test_old_python_is_refused_in_one_line():
    done = subprocess.run(
        [sys.executable, "-c", PRETEND], env={"PATH": "/nowhere"}, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Python 3.11 or newer is needed" in done.stderr
    assert "is 3.9" in done.stderr


def test_make_help_lists_each_target():
    done = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = {line.split()[1] for line in done.stdout.splitlines()}
    phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if ".PHONY" in line)
    assert listed == set(phony.split()[1:]) - {"setup", "setup-dev"}
