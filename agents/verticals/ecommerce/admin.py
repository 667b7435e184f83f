from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from agents.verticals.ecommerce.models import (
    Coupon,
    Customer,
    DeliveryOption,
    HelpArticle,
    Order,
    OrderLine,
    Product,
    Refund,
    ReturnRequest,
    Review,
)


class OrderLineInline(TabularInline):
    model = OrderLine
    extra = 0
    autocomplete_fields = ("product",)


class RefundInline(TabularInline):
    model = Refund
    extra = 0


class ReturnInline(TabularInline):
    model = ReturnRequest
    extra = 0


@admin.register(Customer)
class CustomerAdmin(ModelAdmin):
    list_display = ("name", "ref", "email", "has_newsletter")
    list_filter = ("has_newsletter",)
    search_fields = ("name", "ref", "email")


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    list_display = ("name", "sku", "price", "currency", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "sku")


@admin.register(Order)
class OrderAdmin(ModelAdmin):
    list_display = (
        "number",
        "customer",
        "status",
        "total",
        "refunded_amount",
        "currency",
        "placed_at",
    )
    list_filter = ("status", "carrier", "placed_at")
    search_fields = ("number", "customer__name", "customer__email", "tracking_number")
    list_select_related = ("customer",)
    autocomplete_fields = ("customer",)
    date_hierarchy = "placed_at"
    inlines = (OrderLineInline, RefundInline, ReturnInline)


@admin.register(ReturnRequest)
class ReturnRequestAdmin(ModelAdmin):
    list_display = ("number", "order", "status", "reason", "requested_at")
    list_filter = ("status", "reason")
    search_fields = ("order__number", "order__customer__name")
    autocomplete_fields = ("order",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReturnRequest]:
        rows: QuerySet[ReturnRequest] = super().get_queryset(request)
        return rows.select_related("order")


@admin.register(Refund)
class RefundAdmin(ModelAdmin):
    list_display = ("order", "amount", "reason", "created_at", "paid_at")
    list_filter = ("reason", ("paid_at", admin.EmptyFieldListFilter))
    search_fields = ("order__number", "order__customer__name")
    list_select_related = ("order",)
    autocomplete_fields = ("order",)


@admin.register(Coupon)
class CouponAdmin(ModelAdmin):
    list_display = ("code", "customer", "percent", "expires_at", "used_at")
    list_filter = (("used_at", admin.EmptyFieldListFilter), "percent")
    search_fields = ("code", "customer__name")
    list_select_related = ("customer",)
    autocomplete_fields = ("customer",)


@admin.register(Review)
class ReviewAdmin(ModelAdmin):
    list_display = ("product", "customer", "rating", "created_at")
    list_filter = ("rating",)
    search_fields = ("product__name", "customer__name", "comment")
    list_select_related = ("product", "customer")
    autocomplete_fields = ("product", "customer")


@admin.register(DeliveryOption)
class DeliveryOptionAdmin(ModelAdmin):
    list_display = ("name", "price", "currency", "min_days", "max_days", "is_active")
    list_filter = ("is_active",)


@admin.register(HelpArticle)
class HelpArticleAdmin(ModelAdmin):
    list_display = ("title", "slug")
    search_fields = ("title", "keywords", "body")
