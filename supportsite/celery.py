"""The Celery app. Tasks are wake-ups: what is to be done stands in rows (docs/adr)."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportsite.settings")

app = Celery("supportsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
