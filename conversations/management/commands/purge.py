"""What the sweep does every few seconds when RETENTION_DAYS is set; here at once, or only counted."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from conversations import retention
from conversations.database import database_now
from conversations.services import purge


class Command(BaseCommand):
    help = "Delete conversations in which nothing has happened for RETENTION_DAYS, and nothing is open."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=float, help="instead of RETENTION_DAYS")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be deleted")

    def handle(self, *args: Any, days: float | None, dry_run: bool, **options: Any) -> None:
        days = settings.RETENTION_DAYS if days is None else days
        if days is None:
            raise CommandError("RETENTION_DAYS is not set: all is kept. Set it, or give --days.")
        before = retention.kept_since(days, now=database_now())
        if dry_run:
            due = purge.due(before).count()
            kept = purge.old(before).count() - due
            self.stdout.write(
                f"{due} conversations would be deleted; {kept} more are old, and something is open in them."
            )
            return
        purged = retention.purge_before(before, at_most=sys.maxsize)
        self.stdout.write(
            f"{purged.conversations} conversations and {purged.visitors} visitors were deleted."
        )
