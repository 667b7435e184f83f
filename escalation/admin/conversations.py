"""The page of a conversation, with the person's place in it: take over, answer, step back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from conversations.admin import ConversationAdmin as PlainConversationAdmin
from conversations.models import Conversation
from conversations.services.notices import name_of
from escalation.errors import EscalationError, NotPermitted
from escalation.models import CannedReply
from escalation.models.escalations import OPEN
from escalation.services import notes, takeovers
from escalation.services.permissions import may_take_over

Act = Callable[[uuid.UUID, AbstractBaseUser, str], object]

# Verb in the address → what it does, and what is said of it.
VERBS: dict[str, tuple[Act, str]] = {
    "take-over": (
        lambda pk, user, text: takeovers.take_over(pk, user),
        "You have this conversation now. No agent speaks until you give it back.",
    ),
    "reply": (takeovers.reply, "Sent."),
    "release": (
        lambda pk, user, text: takeovers.release(pk, user),
        "Given back. The agents go on, and know what was said.",
    ),
    "resolve": (
        lambda pk, user, text: takeovers.resolve(pk, user),
        "Resolved and closed. The customer is asked for a rating.",
    ),
    "note": (notes.add_note, "Noted."),
}

admin.site.unregister(Conversation)


@admin.register(Conversation)
class ConversationAdmin(PlainConversationAdmin):
    change_form_template = "admin/escalation/conversation.html"

    def get_urls(self) -> list[URLPattern]:
        act = self.admin_site.admin_view(require_POST(self.act_view))
        urls: list[URLPattern] = super().get_urls()
        return [
            path("<uuid:pk>/<slug:verb>/do/", act, name="conversations_conversation_do"),
            *urls,
        ]

    def act_view(self, request: HttpRequest, pk: uuid.UUID, verb: str) -> HttpResponse:
        if verb not in VERBS or not Conversation.objects.filter(pk=pk).exists():
            raise Http404
        act, done = VERBS[verb]
        try:
            act(pk, cast(AbstractBaseUser, request.user), _text_of(request))
        except NotPermitted as error:
            raise PermissionDenied(str(error)) from error
        except EscalationError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, done)
        return redirect(f"{reverse('admin:conversations_conversation_change', args=[pk])}#people")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        conversation: Conversation = kwargs["obj"]
        escalation = takeovers.find_open(conversation.pk)
        assignee = escalation.assignee if escalation else None
        context.update(
            escalation=escalation,
            assignee_name=name_of(assignee) if assignee else "",
            is_mine=assignee is not None and assignee.pk == request.user.pk,
            may_take_over=may_take_over(request.user),
            is_over=conversation.status
            in (Conversation.Status.CLOSED, Conversation.Status.EXPIRED),
            past=conversation.escalations.exclude(status__in=OPEN),
            notes=conversation.notes.select_related("author"),
            canned_replies=CannedReply.objects.all(),
            rating=getattr(conversation, "csat", None),
        )
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page


def _text_of(request: HttpRequest) -> str:
    """Return what was written; where nothing was, the prepared reply that was chosen."""
    text = request.POST.get("text", "")
    chosen = request.POST.get("canned", "")
    if not text.strip() and chosen.isdecimal():
        text = (
            CannedReply.objects.filter(pk=int(chosen)).values_list("text", flat=True).first() or ""
        )
    return text
