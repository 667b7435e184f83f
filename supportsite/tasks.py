"""Celery entry points."""

from __future__ import annotations

from celery import shared_task

from supportsite import heartbeat as heart


@shared_task
def heartbeat() -> None:
    """Show that beat and a worker live."""
    heart.renew()
