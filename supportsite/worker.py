"""The Celery worker with its beat: `python -m supportsite.worker`. Production may run the two apart."""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService
from celery.platforms import SecurityWarning
from celery.signals import worker_ready, worker_shutting_down

THREADS = "4"


def run_beat_beside(app: Celery) -> None:
    """Let beat start and end with the worker, as a thread: `--beat` would fork a second process of its size."""
    beat = EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler)

    def start(**_: Any) -> None:
        beat.start()

    def stop(**_: Any) -> None:
        beat.service.stop()

    worker_ready.connect(start, weak=False)
    worker_shutting_down.connect(stop, weak=False)


def give_runs_back(**_: Any) -> None:
    """Let no run hold up the end of the worker."""
    # Late: Django is not set up when this module is imported.
    from django.conf import settings

    from conversations.tasks import stop_runs

    stop_runs(grace_seconds=settings.STOP_GRACE_SECONDS)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportsite.settings")
    from supportsite.celery import app

    # It warns of root because of pickle, which we do not accept; containers often run as root.
    warnings.simplefilter("ignore", SecurityWarning)
    run_beat_beside(app)
    worker_shutting_down.connect(give_runs_back)
    app.worker_main(
        [
            "--quiet",
            "worker",
            "--pool=threads",  # the work waits for the network; processes cost twice the memory
            f"--concurrency={THREADS}",
            "--loglevel=WARNING",
            "--without-gossip",
            "--without-mingle",
        ]
    )


if __name__ == "__main__":
    main()
