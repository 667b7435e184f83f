"""Beat without a worker: `python -m supportsite.beat`; with `--check`: whether the one of this container goes on."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from celery.beat import Scheduler

SIGN = Path(tempfile.gettempdir()) / "smart-support-beat"
TICK_SECONDS = 10
SILENCE_SECONDS = 60


class SigningScheduler(Scheduler):
    """Leaves a sign of life with each tick; keeps no file of its own, as settings say of beat."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        SIGN.touch()
        return super().tick(*args, **kwargs)


def is_alive() -> bool:
    """Return whether beat has ticked in the last minute."""
    return SIGN.exists() and time.time() - SIGN.stat().st_mtime < SILENCE_SECONDS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m supportsite.beat")
    parser.add_argument("--check", action="store_true", help="exit with 1 when beat has stopped")
    if parser.parse_args().check:
        sys.exit(not is_alive())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportsite.settings")
    from supportsite.celery import app

    app.Beat(
        scheduler_cls=SigningScheduler, max_interval=TICK_SECONDS, loglevel="WARNING", quiet=True
    ).run()


if __name__ == "__main__":
    main()
