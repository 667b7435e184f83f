"""All that a start needs done to the database, in one process: importing Django three times costs 2 s."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, call_command, get_commands

from supportsite.staff import make_staff_login


class Command(BaseCommand):
    help = "Migrate, load the verticals and make the first staff login. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        if "load_verticals" in get_commands():
            call_command("load_verticals", verbosity=0)
        if not settings.DEMO_MODE:
            call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write(make_staff_login(settings.DATA_DIR / "staff_password"))
