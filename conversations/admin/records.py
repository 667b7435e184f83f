from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from conversations.admin.readonly import ReadOnlyAdmin, ToolFilter
from conversations.models import Conversation, Effect, Receipt, Run, Visitor
from conversations.templatetags.support_admin import TONES


def conversation_link(row: Effect | Run) -> SafeString:
    url = reverse("admin:conversations_conversation_change", args=[row.conversation_id])
    return format_html('<a class="ss-link" href="{}">{}</a>', url, row.conversation)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "conversation_link",
        "status_label",
        "failed_attempts",
        "error_code",
        "created_at",
        "finished_at",
    )
    list_filter = ("status", ("error_code", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("conversation",)
    search_fields = ("conversation__thread_id__startswith",)
    ordering = ("-created_at",)

    @display(description="conversation")
    def conversation_link(self, run: Run) -> SafeString:
        return conversation_link(run)

    @display(description="status", ordering="status", label=TONES)
    def status_label(self, run: Run) -> tuple[str, str]:
        return run.status, run.get_status_display()


@admin.register(Visitor)
class VisitorAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "customer_id", "email", "locale", "conversation_count", "created_at")
    search_fields = ("name", "email", "customer_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Visitor]:
        queryset: QuerySet[Visitor] = super().get_queryset(request)
        # Asked for each row that is shown; joined, all would be grouped to show fifty.
        theirs = Conversation.objects.filter(visitor=OuterRef("pk")).order_by().values("visitor")
        return queryset.annotate(
            conversations_total=Subquery(theirs.annotate(total=Count("pk")).values("total"))
        )

    @display(description="conversations")
    def conversation_count(self, visitor: Visitor) -> int:
        return visitor.conversations_total or 0  # type: ignore[attr-defined]


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("id", "tool", "status", "approver", "decided_by_user", "decided_at", "done_at")
    list_filter = ("status", ToolFilter, "done_at")
    list_select_related = ("decided_by_user",)
    search_fields = ("id__exact",)
    search_help_text = "The id under which it was done"
