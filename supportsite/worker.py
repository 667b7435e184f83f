"""The Celery worker with its beat: `python -m supportsite.worker`; without: `--no-beat` (supportsite/beat.py)."""

from __future__ import annotations

import argparse
import logging
import os
import warnings
from threading import Event
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService
from celery.platforms import SecurityWarning
from celery.signals import worker_init, worker_ready, worker_shutting_down

logger = logging.getLogger(__name__)

WARM_UP_SECONDS = 120
ARGUMENTS = [
    "--quiet",
    "worker",
    "--pool=threads",  # the work waits for the network; processes cost twice the memory
    "--concurrency=4",
    "--loglevel=WARNING",
    "--without-gossip",
    "--without-mingle",
]


def run_beat_beside(app: Celery) -> None:
    """Let beat start and end with the worker, as a thread: `--beat` would fork a second process of its size."""
    beat = EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler)

    def start(**_: Any) -> None:
        if not beat.is_alive():
            beat.start()

    def stop(**_: Any) -> None:
        beat.service.stop()

    worker_ready.connect(start, weak=False)
    worker_shutting_down.connect(stop, weak=False)


def be_warm(**_: Any) -> None:
    """Take no work before it can be done at once: it is given to a worker when customers are already waiting."""
    from django.conf import settings

    from conversations.tasks import run_in_loop
    from supportsite.warmup import warm_up

    if not settings.DEMO_MODE:
        run_in_loop(warm_up(), timeout_seconds=WARM_UP_SECONDS)


def give_runs_back(**_: Any) -> None:
    """Let no run hold up the end of the worker."""
    # Late: Django is not set up when this module is imported.
    from django.conf import settings

    from conversations.tasks import stop_runs

    stop_runs(grace_seconds=settings.STOP_GRACE_SECONDS)


def work(*, has_beat: bool = True) -> None:
    """Run the worker until it is told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportsite.settings")
    from supportsite.celery import app

    # It warns of root because of pickle, which we do not accept; containers often run as root.
    warnings.simplefilter("ignore", SecurityWarning)
    if has_beat:
        run_beat_beside(app)
    worker_init.connect(be_warm)
    worker_shutting_down.connect(give_runs_back)
    has_begun, is_told_to_stop = Event(), Event()
    worker_ready.connect(lambda **_: has_begun.set(), weak=False)
    worker_shutting_down.connect(lambda **_: is_told_to_stop.set(), weak=False)
    while True:
        app.worker_main(ARGUMENTS)
        if is_told_to_stop.is_set() or not has_begun.is_set():
            return
        # kombu 5.7 stumbles over messages that it can no longer acknowledge (docs/explanation/facts.md).
        logger.error("the worker has ended by itself, as it does when Valkey goes; it begins anew")
        has_begun.clear()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m supportsite.worker")
    parser.add_argument("--no-beat", action="store_true", help="beat runs elsewhere")
    work(has_beat=not parser.parse_args().no_beat)


if __name__ == "__main__":
    main()
