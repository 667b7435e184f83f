from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.errors import TemplateInvalid
from agents.services import load_all


class Command(BaseCommand):
    help = "Load all installed templates, and in demo mode their demo data. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="load demo data also outside demo mode"
        )
        parser.add_argument(
            "--reset", action="store_true", help="bring the demo data back to its start"
        )

    def handle(self, *args: Any, demo: bool, reset: bool, verbosity: int, **options: Any) -> None:
        try:
            for line in load_all(reset=reset, with_demo=True if demo else None):
                if verbosity:
                    self.stdout.write(line)
        except TemplateInvalid as error:
            raise CommandError(f"Nothing was loaded:\n{error}", returncode=2) from None
