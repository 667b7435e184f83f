"""The Celery app. Tasks are wake-ups: what is to be done stands in rows (docs/adr)."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportsite.settings")

app = Celery("supportsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Leave logging as Django's settings have set it up: Celery asks whether anybody does."""


@worker_ready.connect
def show_metrics(**_: Any) -> None:
    # Late: Django is not set up when this module is imported.
    from django.conf import settings

    from supportsite.metrics import serve

    if settings.METRICS_PORT is not None:
        serve(settings.METRICS_PORT)
