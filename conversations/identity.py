"""Who a connection belongs to: signed visitor tokens, and the site's own word for a customer."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from django.conf import settings
from django.core import signing

from conversations.errors import InvalidToken

SALT = "conversations.visitor"
MAX_IDENTITY_SECONDS = 3600
LEEWAY_SECONDS = 30


@dataclass(frozen=True)
class Identity:
    """A customer whom the site vouches for."""

    customer_id: str
    name: str
    email: str


def make_token(visitor_id: uuid.UUID) -> str:
    """Return a signed token that names the visitor; valid for `TOKEN_MAX_AGE_SECONDS`."""
    return signing.dumps(str(visitor_id), salt=SALT)


def read_token(token: str) -> uuid.UUID:
    """Return the visitor that a token names; raises InvalidToken."""
    try:
        return uuid.UUID(signing.loads(token, salt=SALT, max_age=settings.TOKEN_MAX_AGE_SECONDS))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvalidToken from error


def read_identity(token: str) -> Identity:
    """Return the customer whom a JWT (HS256, `sub`, `exp` at most an hour ahead) names; raises InvalidToken."""
    if not settings.IDENTITY_SECRET:
        raise InvalidToken
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            settings.IDENTITY_SECRET,
            algorithms=["HS256"],
            leeway=LEEWAY_SECONDS,
            options={"require": ["sub", "exp"]},
        )
    except jwt.InvalidTokenError as error:
        raise InvalidToken from error
    ahead = claims["exp"] - datetime.now(UTC).timestamp()
    customer_id = claims["sub"]
    if ahead > MAX_IDENTITY_SECONDS + LEEWAY_SECONDS or not 1 <= len(customer_id) <= 200:
        raise InvalidToken
    return Identity(customer_id, _text(claims.get("name")), _text(claims.get("email")))


def _text(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""
