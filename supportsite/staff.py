"""The first staff login."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model

from supportsite.secret_files import kept_secret

NAME = "admin"


def make_staff_login(password_file: Path) -> str:
    """Make the staff login when there is none, and return how to log in, as a line for people.

    Args:
        password_file: Keeps the password that was made at random; readable by its owner only.
    """
    users = get_user_model()._default_manager
    password = kept_secret(password_file, bytes_of_randomness=12)
    # Logs of a public site are read by many; its password stays in the file.
    shown = f"{NAME} / {password}" if settings.DEMO_MODE else f"{NAME} / see {password_file}"
    user = users.filter(**{users.model.USERNAME_FIELD: NAME}).first()
    if user is None:
        users.create_superuser(NAME, password=password)
        return shown
    if user.check_password(password):
        return shown
    return f"{NAME}, with the password that was set for it"
