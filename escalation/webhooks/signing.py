"""Standard Webhooks: secrets, and the three headers by which a receiver knows us. The signature is the library's."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
SECRET_BYTES = 32  # the specification asks for 24 to 64


def make_secret() -> str:
    """Return a new random secret, `whsec_` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(body: bytes, *, webhook_id: str, now: datetime, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers that prove where a webhook comes from.

    Args:
        body: The exact bytes that are sent; UTF-8.
        webhook_id: The same for every attempt, so that a receiver can tell a repetition.
        now: Aware UTC time of this attempt; receivers refuse what is older than five minutes.
        secrets: Each makes a signature, the current one first; two while a secret is rotated.

    Source: Standard Webhooks, specification 1.0.0, "Signature scheme" and "Webhook headers".
    """
    text = body.decode()
    signatures = [Webhook(secret).sign(webhook_id, now, text) for secret in secrets]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
