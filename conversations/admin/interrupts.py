from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.decorators import display

from conversations.admin.readonly import ReadOnlyAdmin, ToolFilter
from conversations.errors import ConversationsError
from conversations.models import PENDING_FIRST, Interrupt
from conversations.services import interrupts
from conversations.templatetags.support_admin import TONES, is_decidable, who_decided

MAX_COMMENT_CHARS = 2_000


def may_decide(request: HttpRequest) -> bool:
    """Return whether this person may approve or decline what waits for staff."""
    return request.user.has_perm("conversations.decide_interrupt")


def waiting_for_staff() -> QuerySet[Interrupt]:
    """Return what staff can decide now, the most urgent first."""
    return Interrupt.objects.filter(
        status=Interrupt.Status.PENDING,
        approver=Interrupt.Approver.STAFF,
        expires_at__gt=timezone.now(),
    ).order_by("expires_at")


@admin.register(Interrupt)
class InterruptAdmin(ReadOnlyAdmin):
    list_display = (
        "message",
        "conversation_link",
        "approver",
        "status_label",
        "expires_at",
        "decision",
    )
    list_filter = ("status", "approver", ToolFilter, "created_at")
    list_select_related = ("conversation", "decided_by_user")
    search_fields = ("message", "tool", "conversation__thread_id__startswith")
    search_help_text = "What waits, its tool, or the thread"
    fields = ("message",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Interrupt]:
        queryset: QuerySet[Interrupt] = super().get_queryset(request)
        return queryset.select_related("conversation", "decided_by_user", "effect__settled_by")

    def get_ordering(self, request: HttpRequest) -> tuple[Case | str, ...]:
        return (PENDING_FIRST, "-created_at")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        columns = tuple(super().get_list_display(request))
        return (*columns, "buttons") if may_decide(request) else columns

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(require_POST(self.decide_view))
        name = "conversations_interrupt_decide"
        urls: list[URLPattern] = super().get_urls()
        return [path("<uuid:interrupt_id>/decide/", decide, name=name), *urls]

    @display(description="conversation", ordering="conversation")
    def conversation_link(self, interrupt: Interrupt) -> SafeString:
        url = reverse("admin:conversations_conversation_change", args=[interrupt.conversation_id])
        return format_html(
            '<a class="ss-link" href="{}#interrupt-{}">{}</a>',
            url,
            interrupt.pk,
            interrupt.conversation,
        )

    @display(description="status", ordering="status", label=TONES)
    def status_label(self, interrupt: Interrupt) -> tuple[str, str]:
        return interrupt.status, interrupt.get_status_display()

    @display(description="decided")
    def decision(self, interrupt: Interrupt) -> str | None:
        return who_decided(interrupt) if interrupt.decided_at else None

    @display(description="decide")
    def buttons(self, interrupt: Interrupt) -> str | None:
        if not is_decidable(interrupt):
            return None
        url = reverse("admin:conversations_interrupt_decide", args=[interrupt.pk])
        # The list stands in a form of its own, and forms do not nest: these buttons post that one elsewhere.
        return render_to_string("admin/conversations/parts/list_buttons.html", {"url": url})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        interrupt: Interrupt = kwargs["obj"]
        context.update(
            title="Approval",
            interrupt=interrupt,
            may_decide=may_decide(request),
            now=timezone.now(),
        )
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page

    def decide_view(self, request: HttpRequest, interrupt_id: Any) -> HttpResponse:
        if not may_decide(request):
            raise PermissionDenied
        interrupt = Interrupt.objects.filter(
            pk=interrupt_id, approver=Interrupt.Approver.STAFF
        ).first()
        decision = request.POST.get("decision")
        if interrupt is None or decision not in ("approve", "decline"):
            raise Http404
        self._decide(request, interrupt, is_approved=decision == "approve")
        if request.POST.get("next") == "conversation":
            return redirect("admin:conversations_conversation_change", interrupt.conversation_id)
        if request.POST.get("next") == "index":
            return redirect("admin:index")
        return redirect("admin:conversations_interrupt_changelist")

    def _decide(self, request: HttpRequest, interrupt: Interrupt, *, is_approved: bool) -> None:
        comment = request.POST.get("comment", "").strip()[:MAX_COMMENT_CHARS]
        try:
            interrupts.decide(
                interrupt.id,
                approved=is_approved,
                by="staff",
                user=cast(User, request.user),
                comment=comment,
            )
        except ConversationsError as error:
            messages.error(request, f"{interrupt.message}: {error}")
            return
        verb = "Approved" if is_approved else "Declined"
        messages.success(request, f"{verb}: {interrupt.message}")
