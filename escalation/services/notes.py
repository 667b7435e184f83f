"""What staff write for each other."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractBaseUser

from conversations.database import database_now
from escalation.models import Note
from escalation.services.permissions import require_take_over
from escalation.services.takeovers import check_text


def add_note(conversation_id: uuid.UUID, user: AbstractBaseUser, text: str) -> Note:
    """Keep a private note about a conversation.

    Raises:
        NotPermitted: The permission is lacking.
        TextInvalid: Empty, too long, or with a NUL.
    """
    require_take_over(user)
    return Note.objects.create(
        conversation_id=conversation_id,
        author_id=user.pk,
        text=check_text(text),
        created_at=database_now(),
    )
