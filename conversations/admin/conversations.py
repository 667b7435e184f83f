from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import display

from conversations.admin.interrupts import may_decide, waiting_for_staff
from conversations.admin.readonly import ReadOnlyAdmin
from conversations.admin.timeline import build_timeline, list_usage
from conversations.models import Conversation
from conversations.selectors import RECENT, search_conversations
from conversations.templatetags.support_admin import TONES

MAX_RUNS = 100


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = (
        "thread_id",
        "visitor",
        "version",
        "status_label",
        "person_label",
        "tokens",
        "cost",
        "last_activity_at",
    )
    list_filter = ("status", "wants_person", "version__template", "last_activity_at")
    list_select_related = ("visitor", "version__template")
    search_fields = ("thread_id",)  # what is searched says get_search_results
    search_help_text = (
        f"Thread, customer, or words from a message of the newest {RECENT:,} conversations"
    )
    fields = ("thread_id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        queryset: QuerySet[Conversation] = super().get_queryset(request)
        waiting = waiting_for_staff().filter(conversation=OuterRef("pk"))
        return queryset.annotate(waits_for_staff=Exists(waiting))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        if search_term:
            queryset = queryset.filter(pk__in=search_conversations(search_term))
        return queryset, False

    @display(description="status", ordering="status", label=TONES)
    def status_label(self, conversation: Conversation) -> tuple[str, str]:
        return conversation.status, conversation.get_status_display()

    @display(description="needs", label={"person": "danger", "approval": "warning"})
    def person_label(self, conversation: Any) -> tuple[str, str] | None:
        if conversation.wants_person:
            return "person", "a person"
        if conversation.waits_for_staff:
            return "approval", "approval"
        return None

    @display(description="tokens", ordering="input_tokens")
    def tokens(self, conversation: Conversation) -> str:
        return f"{conversation.input_tokens + conversation.output_tokens:,}"

    @display(description="cost", ordering="cost_usd")
    def cost(self, conversation: Conversation) -> str:
        return f"${conversation.cost_usd:.4f}"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        conversation: Conversation = kwargs["obj"]
        timeline = build_timeline(conversation, show_all="all" in request.GET)
        context.update(
            title=f"Conversation {conversation.thread_id}",
            timeline=timeline,
            usage=list_usage(conversation),
            runs=conversation.runs.order_by("-position")[:MAX_RUNS],
            may_decide=may_decide(request),
            now=timezone.now(),
        )
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page
