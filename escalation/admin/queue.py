"""Who waits for a person, the most urgent first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import (
    Case,
    CharField,
    IntegerField,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from unfold.admin import ModelAdmin
from unfold.decorators import display

from conversations.admin.readonly import ReadOnlyAdmin
from conversations.models import Message
from conversations.services.notices import name_of
from escalation.models import CannedReply, Escalation, Rating
from escalation.selectors import count_queue, list_queue

TONES = {
    "urgent": "danger",
    "high": "warning",
    "requested": "warning",
    "assigned": "info",
    "due": "info",
    "overdue": "danger",
    "resolved": "success",
}


class ShowFilter(admin.SimpleListFilter):
    """What is open, unless something else is asked for."""

    title = "what to show"
    parameter_name = "show"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", "Open"),
            ("waiting", "Waits for a person"),
            ("mine", "Mine"),
            ("overdue", "Overdue"),
            ("all", "All, also what is over"),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Escalation]
    ) -> QuerySet[Escalation]:
        return list_queue(queryset, self.value() or "open", user=request.user, now=timezone.now())

    def choices(self, changelist: Any) -> Iterator[Any]:
        for value, title in self.lookup_choices:
            yield {
                "selected": (self.value() or "open") == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }


@admin.register(Escalation)
class EscalationAdmin(ReadOnlyAdmin):
    list_display = (
        "customer",
        "due_label",
        "priority_label",
        "status_label",
        "assignee_name",
        "reason_label",
        "summary_line",
    )
    list_display_links = None
    list_filter = (ShowFilter, "priority", "reason", "assignee", "created_at")
    list_select_related = ("conversation__visitor", "assignee")
    search_fields = (
        "summary",
        "conversation__thread_id",
        "conversation__visitor__name",
        "conversation__visitor__email",
        "conversation__visitor__customer_id",
    )
    search_help_text = "Customer, thread, or words from the summary"
    list_before_template = "admin/escalation/parts/queue_counts.html"
    fields = ("summary",)

    class Media:
        css = {"all": ["escalation/admin/desk.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Escalation]:
        queryset: QuerySet[Escalation] = super().get_queryset(request)
        last = Message.objects.filter(
            conversation=OuterRef("conversation"), role__in=("customer", "staff")
        ).order_by("-created_at")
        return queryset.annotate(
            last_role=Subquery(last.values("role")[:1], output_field=CharField())
        )

    def get_ordering(self, request: HttpRequest) -> tuple[Case | str, ...]:
        is_open = When(status__in=("requested", "assigned"), then=Value(0))
        return (Case(is_open, default=Value(1), output_field=IntegerField()), "due_at")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        counts = count_queue(request.user, now=timezone.now())
        url = reverse("admin:escalation_escalation_changelist")
        context = {**(extra_context or {}), "queue_counts": counts, "queue_url": url}
        page: HttpResponse = super().changelist_view(request, context)
        return page

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # What there is to do is done where the conversation is read.
        row = get_object_or_404(Escalation, pk=object_id)
        return redirect("admin:conversations_conversation_change", row.conversation_id)

    @display(description="customer", ordering="conversation")
    def customer(self, row: Escalation) -> SafeString:
        url = reverse("admin:conversations_conversation_change", args=[row.conversation_id])
        return format_html(
            '<a class="ss-link" href="{}#people">{}</a>', url, row.conversation.visitor
        )

    @display(description="due", ordering="due_at", label=TONES)
    def due_label(self, row: Escalation) -> tuple[str, str] | None:
        now = timezone.now()
        if not row.is_open:
            return None
        what = "settled" if row.responded_at else "answer"
        if row.is_overdue(now):
            return "overdue", f"{what} overdue by {timesince(row.due_at, now, depth=1)}"
        return "due", f"{what} in {timeuntil(row.due_at, now, depth=1)}"

    @display(description="priority", ordering="priority", label=TONES)
    def priority_label(self, row: Escalation) -> tuple[str, str]:
        return row.priority, row.get_priority_display()

    @display(description="status", ordering="status", label=TONES)
    def status_label(self, row: Any) -> tuple[str, str]:
        if row.status == Escalation.Status.ASSIGNED and row.last_role == Message.Role.CUSTOMER:
            return "requested", "customer waits for an answer"
        return row.status, row.get_status_display()

    @display(description="with", ordering="assignee")
    def assignee_name(self, row: Escalation) -> str | None:
        return name_of(row.assignee) if row.assignee else None

    @display(description="why", ordering="reason")
    def reason_label(self, row: Escalation) -> str:
        return row.get_reason_display()

    @display(description="summary")
    def summary_line(self, row: Escalation) -> str:
        line = " · ".join(row.summary.splitlines())
        return line if len(line) <= 120 else line[:119] + "…"


@admin.register(CannedReply)
class CannedReplyAdmin(ModelAdmin):
    list_display = ("title", "text")
    search_fields = ("title", "text")


@admin.register(Rating)
class RatingAdmin(ReadOnlyAdmin):
    list_display = ("rating", "conversation_link", "comment", "created_at")
    list_filter = ("rating", "created_at")
    list_select_related = ("conversation__visitor",)
    search_fields = ("comment", "conversation__thread_id")
    fields = ("rating", "comment", "conversation", "created_at")

    @display(description="conversation", ordering="conversation")
    def conversation_link(self, row: Rating) -> SafeString:
        url = reverse("admin:conversations_conversation_change", args=[row.conversation_id])
        return format_html('<a class="ss-link" href="{}">{}</a>', url, row.conversation.visitor)
