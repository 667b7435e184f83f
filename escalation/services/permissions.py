"""Who may act for customers. Every verb of staff begins with this."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin

from escalation.errors import NotPermitted

TAKE_OVER = "escalation.take_over"

Person = AbstractBaseUser | AnonymousUser


def may_take_over(user: Person) -> bool:
    """Return whether this person may take over conversations and answer customers."""
    return user.is_active and isinstance(user, PermissionsMixin) and user.has_perm(TAKE_OVER)


def require_take_over(user: Person) -> None:
    """Raise NotPermitted for whoever may not."""
    if not may_take_over(user):
        raise NotPermitted("You lack the permission to take over conversations.")
