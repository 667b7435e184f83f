from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from agents.verticals.saas.models import (
    ApiKey,
    BalanceEntry,
    Component,
    HelpArticle,
    Incident,
    Invoice,
    InvoiceLine,
    Member,
    Plan,
    Refund,
    Ticket,
    Workspace,
)


class MemberInline(TabularInline):
    model = Member
    extra = 0


class ApiKeyInline(TabularInline):
    model = ApiKey
    extra = 0


class InvoiceLineInline(TabularInline):
    model = InvoiceLine
    extra = 0


class RefundInline(TabularInline):
    model = Refund
    extra = 0


class IncidentInline(TabularInline):
    model = Incident
    extra = 0


@admin.register(Plan)
class PlanAdmin(ModelAdmin):
    list_display = ("name", "price", "max_seats", "max_api_keys", "answer_hours")


@admin.register(Workspace)
class WorkspaceAdmin(ModelAdmin):
    list_display = ("name", "plan", "seats", "renews_on", "next_plan", "next_seats", "cancelled_at")
    list_filter = ("plan", ("cancelled_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug", "members__email")
    list_select_related = ("plan", "next_plan")
    inlines = (MemberInline, ApiKeyInline)


@admin.register(Member)
class MemberAdmin(ModelAdmin):
    list_display = ("email", "name", "workspace", "role", "has_mfa", "joined_at")
    list_filter = ("role", "has_mfa", ("joined_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "email", "ref", "workspace__name")
    list_select_related = ("workspace",)
    autocomplete_fields = ("workspace",)


@admin.register(Invoice)
class InvoiceAdmin(ModelAdmin):
    list_display = (
        "number",
        "workspace",
        "status",
        "total",
        "refunded_amount",
        "attempts",
        "issued_on",
    )
    list_filter = ("status", "failure", "issued_on")
    search_fields = ("number", "workspace__name")
    list_select_related = ("workspace",)
    autocomplete_fields = ("workspace",)
    date_hierarchy = "issued_on"
    inlines = (InvoiceLineInline, RefundInline)


@admin.register(Refund)
class RefundAdmin(ModelAdmin):
    list_display = ("invoice", "amount", "reason", "created_at", "paid_at")
    list_filter = ("reason", ("paid_at", admin.EmptyFieldListFilter))
    search_fields = ("invoice__number", "invoice__workspace__name")
    list_select_related = ("invoice",)
    autocomplete_fields = ("invoice",)


@admin.register(BalanceEntry)
class BalanceEntryAdmin(ModelAdmin):
    list_display = ("workspace", "kind", "amount", "text", "created_at", "invoice")
    list_filter = ("kind", ("invoice", admin.EmptyFieldListFilter))
    search_fields = ("workspace__name", "text")
    list_select_related = ("workspace", "invoice")
    autocomplete_fields = ("workspace", "invoice")


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    list_display = ("name", "workspace", "hint", "last_used_at", "rotated_at", "old_key_until")
    search_fields = ("name", "workspace__name")
    list_select_related = ("workspace",)
    autocomplete_fields = ("workspace",)


@admin.register(Ticket)
class TicketAdmin(ModelAdmin):
    list_display = ("number", "workspace", "status", "priority", "problem", "created_at")
    list_filter = ("status", "priority")
    search_fields = ("problem", "workspace__name")
    list_select_related = ("workspace",)
    autocomplete_fields = ("workspace", "opened_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        rows: QuerySet[Ticket] = super().get_queryset(request)
        return rows.select_related("opened_by")


@admin.register(Component)
class ComponentAdmin(ModelAdmin):
    list_display = ("name", "status", "position")
    list_filter = ("status",)
    inlines = (IncidentInline,)


@admin.register(Incident)
class IncidentAdmin(ModelAdmin):
    list_display = ("title", "component", "started_at", "resolved_at")
    list_filter = ("component", ("resolved_at", admin.EmptyFieldListFilter))
    search_fields = ("title", "text")
    list_select_related = ("component",)


@admin.register(HelpArticle)
class HelpArticleAdmin(ModelAdmin):
    list_display = ("title", "slug")
    search_fields = ("title", "keywords", "body")
