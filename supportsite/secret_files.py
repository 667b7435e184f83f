"""Secrets that nobody chose: made at random on first use and kept in a file."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def kept_secret(path: Path, *, bytes_of_randomness: int = 50) -> str:
    """Return the secret kept in `path`; make it on first use, readable by its owner only.

    Raises:
        OSError: The file can be neither read nor made.
    """
    if secret := _read(path):
        return secret
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: of two processes that start at once, one makes it and both read it.
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(bytes_of_randomness) + "\n")
    try:
        os.link(new, path)
    except FileExistsError:
        if not _read(path):  # left empty by a crash of an older kind
            os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
    return _read(path)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""
