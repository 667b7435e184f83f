"""A copy of all that must last, from a site that goes on meanwhile."""

from __future__ import annotations

import shutil
import sqlite3
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import connection

SECRETS = ("secret_key", "webhook_secret_key", "staff_password")


class Command(BaseCommand):
    help = "Copy the database and kept secrets to a new folder, from which a site can be started."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="must not exist yet")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        if connection.vendor != "sqlite":
            raise CommandError(
                "The data is in PostgreSQL: take pg_dump (docs/how-to/back-up.md).", returncode=2
            )
        try:
            folder.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            raise CommandError(f"{folder} is there already.", returncode=2) from None
        database = Path(connection.settings_dict["NAME"])
        _copy_database(database, folder / database.name)
        for name in SECRETS:
            if (settings.DATA_DIR / name).exists():
                shutil.copy2(settings.DATA_DIR / name, folder / name)
        self.stdout.write(f"Copied to {folder}.")


def _copy_database(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        here.backup(there)
