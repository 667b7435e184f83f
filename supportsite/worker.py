"""The Celery worker with its beat: `python -m supportsite.worker`. Production may run them apart (docs)."""

from __future__ import annotations

import os

THREADS = 4


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportsite.settings")
    from django.conf import settings

    from supportsite.celery import app

    app.worker_main(
        [
            "worker",
            "--beat",
            f"--schedule={settings.DATA_DIR / 'celerybeat-schedule'}",
            "--pool=threads",  # the work waits for the network; processes cost twice the memory
            f"--concurrency={THREADS}",
            "--loglevel=WARNING",
            "--without-gossip",
            "--without-mingle",
        ]
    )


if __name__ == "__main__":
    main()
