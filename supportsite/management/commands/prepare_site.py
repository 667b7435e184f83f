"""All that a start needs done to the database, in one process: importing Django three times costs 2 s."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command, get_commands
from django.db import connection

from supportsite.heartbeat import ask_valkey
from supportsite.staff import make_staff_login


class Command(BaseCommand):
    help = "Migrate, load the verticals and make the first staff login. Safe to repeat."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fd", type=int, help="file descriptor that the login is written to")
        parser.add_argument(
            "--collect-static",
            action="store_true",
            help="in production, collect the static files too",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _require("DATABASE_URL", _connect)
        _require("REDIS_URL", ask_valkey)
        call_command("migrate", interactive=False, verbosity=0)
        if "load_verticals" in get_commands():
            call_command("load_verticals", verbosity=0)
        if options["collect_static"] and not settings.DEMO_MODE:
            call_command("collectstatic", interactive=False, verbosity=0)
        login = make_staff_login(settings.DATA_DIR / "staff_password")
        if options["fd"] is None:
            self.stdout.write(login)
        else:
            with os.fdopen(options["fd"], "w") as pipe:
                pipe.write(login)


def _connect() -> None:
    # Past the pool, which would try for 20 s and then not say why.
    if connection.vendor == "postgresql":
        psycopg.connect(settings.DATABASE_URL, connect_timeout=5).close()


def _require(variable: str, ask: Callable[[], object]) -> None:
    try:
        ask()
    except Exception as error:
        reason = str(error).strip().replace("\n", " ")
        raise CommandError(f"{variable}: cannot be reached: {reason}", returncode=2) from None
