"""Secrets at rest: encrypted with a key from the environment, so that a copy of the database signs nothing."""

from __future__ import annotations

import base64
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings

from escalation.errors import SecretUnreadable

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


@cache
def _box(keys: tuple[str, ...]) -> MultiFernet:
    # Here, and not above: every process reads this module, few encrypt.
    from cryptography.fernet import Fernet, MultiFernet
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    def derive(key: str) -> Fernet:
        # A key is any long random text, as SECRET_KEY is; Fernet wants 32 bytes. Random keys need no slow hash.
        kdf = HKDF(hashes.SHA256(), length=32, salt=None, info=b"smart-support webhook secrets")
        return Fernet(base64.urlsafe_b64encode(kdf.derive(key.encode())))

    return MultiFernet([derive(key) for key in keys])


def encrypt(secret: str) -> str:
    """Return a secret as it is stored, encrypted with the first of settings.WEBHOOK_SECRET_KEYS."""
    return _box(tuple(settings.WEBHOOK_SECRET_KEYS)).encrypt(secret.encode()).decode()


def decrypt(stored: str) -> str:
    """Return a stored secret, by whichever of settings.WEBHOOK_SECRET_KEYS it was encrypted with.

    Raises:
        SecretUnreadable: None of the keys fits.
    """
    from cryptography.fernet import InvalidToken

    try:
        return _box(tuple(settings.WEBHOOK_SECRET_KEYS)).decrypt(stored.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable(
            "The endpoint's secret was encrypted with another WEBHOOK_SECRET_KEY; add that key behind a comma, "
            "or rotate the secret"
        ) from None
