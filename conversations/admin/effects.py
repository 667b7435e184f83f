from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.decorators import display

from conversations.admin.readonly import ReadOnlyAdmin, ToolFilter
from conversations.admin.records import conversation_link
from conversations.errors import AlreadySettled, NotAllowed
from conversations.models import UNKNOWN_FIRST, Effect
from conversations.services import effects
from conversations.templatetags.support_admin import TONES

MAX_NOTE_CHARS = 2_000


def unknown_effects() -> QuerySet[Effect]:
    """Return the effects of which nobody knows whether they were done, oldest first."""
    return Effect.objects.filter(status=Effect.Status.UNKNOWN).order_by("created_at")


@admin.register(Effect)
class EffectAdmin(ReadOnlyAdmin):
    list_display = ("tool", "what", "conversation_link", "status_label", "created_at")
    list_filter = ("status", ToolFilter, "created_at")
    list_select_related = ("conversation", "interrupt")
    search_fields = ("tool", "conversation__thread_id__startswith", "interrupt__message")
    fields = (
        "interrupt",
        "conversation",
        "tool",
        "args",
        "status",
        "result",
        "created_at",
        "settled_at",
        "settled_by",
        "settled_note",
    )

    def get_ordering(self, request: HttpRequest) -> tuple[Case | str, ...]:
        return (UNKNOWN_FIRST, "-created_at")

    def get_urls(self) -> list[URLPattern]:
        settle = self.admin_site.admin_view(require_POST(self.settle_view))
        urls: list[URLPattern] = super().get_urls()
        name = "conversations_effect_settle"
        return [path("<uuid:effect_id>/settle/", settle, name=name), *urls]

    @display(description="what")
    def what(self, effect: Effect) -> SafeString:
        url = reverse("admin:conversations_interrupt_change", args=[effect.interrupt_id])
        return format_html('<a class="ss-link" href="{}">{}</a>', url, effect.interrupt.message)

    @display(description="conversation")
    def conversation_link(self, effect: Effect) -> SafeString:
        return conversation_link(effect)

    @display(description="status", ordering="status", label=TONES)
    def status_label(self, effect: Effect) -> tuple[str, str]:
        return effect.status, effect.get_status_display()

    def settle_view(self, request: HttpRequest, effect_id: Any) -> HttpResponse:
        effect = Effect.objects.select_related("interrupt").filter(pk=effect_id).first()
        outcome = request.POST.get("outcome")
        if effect is None or outcome not in ("done", "not_done"):
            raise Http404
        note = request.POST.get("note", "").strip()[:MAX_NOTE_CHARS]
        user = cast(User, request.user)
        try:
            effects.settle(effect.pk, was_done=outcome == "done", user=user, note=note)
        except NotAllowed:
            raise PermissionDenied from None
        except AlreadySettled as error:
            messages.error(request, f"{effect.interrupt.message}: {error}")
        else:
            messages.success(request, f"Recorded, and told to the customer: {effect.interrupt}")
        return redirect("admin:conversations_conversation_change", effect.conversation_id)
