from django.contrib import admin
from unfold.admin import ModelAdmin, TabularInline

from agents.verticals.fintech.models import (
    Account,
    Card,
    Customer,
    Dispute,
    ExchangeRate,
    HelpArticle,
    TopUp,
    Transaction,
    Transfer,
)


class CardInline(TabularInline):
    model = Card
    extra = 0
    fields = ("ending", "kind", "scheme", "status", "expires_on", "arrives_on")
    show_change_link = True


class DisputeInline(TabularInline):
    model = Dispute
    extra = 0


@admin.register(Customer)
class CustomerAdmin(ModelAdmin):
    list_display = ("name", "ref", "email", "identity_status", "verified_at")
    list_filter = ("identity_status",)
    search_fields = ("name", "ref", "email")
    inlines = (CardInline,)


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    list_display = (
        "iban",
        "customer",
        "balance",
        "currency",
        "payments_limit",
        "withdrawals_limit",
        "transfers_limit",
    )
    search_fields = ("iban", "customer__name", "customer__email")
    list_select_related = ("customer",)
    autocomplete_fields = ("customer",)


@admin.register(Card)
class CardAdmin(ModelAdmin):
    list_display = ("__str__", "customer", "kind", "scheme", "status", "expires_on", "arrives_on")
    list_filter = ("status", "kind", "scheme", "cancel_reason")
    search_fields = ("ending", "customer__name", "customer__email")
    list_select_related = ("customer",)
    autocomplete_fields = ("customer", "replaces")


@admin.register(Transaction)
class TransactionAdmin(ModelAdmin):
    list_display = (
        "reference",
        "account",
        "kind",
        "description",
        "amount",
        "status",
        "made_at",
    )
    list_filter = ("kind", "status", "made_at")
    search_fields = ("reference", "description", "account__customer__name", "account__iban")
    list_select_related = ("account",)
    autocomplete_fields = ("account", "card", "belongs_to", "pays_back_fee")
    date_hierarchy = "made_at"
    inlines = (DisputeInline,)


@admin.register(Dispute)
class DisputeAdmin(ModelAdmin):
    list_display = ("number", "transaction", "reason", "status", "opened_at")
    list_filter = ("status", "reason")
    search_fields = ("transaction__reference", "transaction__account__customer__name")
    list_select_related = ("transaction",)
    autocomplete_fields = ("transaction",)


@admin.register(Transfer)
class TransferAdmin(ModelAdmin):
    list_display = (
        "reference",
        "account",
        "direction",
        "counterparty",
        "amount",
        "currency",
        "status",
        "created_at",
    )
    list_filter = ("status", "direction", "created_at")
    search_fields = ("reference", "counterparty", "account__customer__name", "account__iban")
    list_select_related = ("account",)
    autocomplete_fields = ("account",)
    date_hierarchy = "created_at"


@admin.register(TopUp)
class TopUpAdmin(ModelAdmin):
    list_display = ("reference", "account", "method", "amount", "currency", "status", "made_at")
    list_filter = ("status", "method")
    search_fields = ("reference", "account__customer__name", "account__iban")
    list_select_related = ("account",)
    autocomplete_fields = ("account",)


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ModelAdmin):
    list_display = ("currency", "name", "rate", "as_of")
    search_fields = ("currency", "name")


@admin.register(HelpArticle)
class HelpArticleAdmin(ModelAdmin):
    list_display = ("title", "slug")
    search_fields = ("title", "keywords", "body")
