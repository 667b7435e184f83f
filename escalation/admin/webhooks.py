from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from conversations.admin.readonly import ReadOnlyAdmin
from escalation import tasks
from escalation.errors import EscalationError
from escalation.models import WebhookDelivery, WebhookEndpoint
from escalation.services import deliveries, endpoints
from escalation.webhooks.schemas import EVENT_TYPES, TEST
from escalation.webhooks.urls import check_url

TONES = {
    WebhookDelivery.Status.PENDING: "info",
    WebhookDelivery.Status.SENDING: "info",
    WebhookDelivery.Status.DELIVERED: "success",
    WebhookDelivery.Status.DEAD: "danger",
    "enabled": "success",
    "disabled": "danger",
}
Status = WebhookDelivery.Status


def may_change(request: HttpRequest, model: str) -> bool:
    return request.user.has_perm(f"escalation.change_{model}")


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    url = forms.CharField(
        label="URL",
        widget=UnfoldAdminTextInputWidget,
        help_text="Where webhooks are sent, such as https://crm.example.com/hooks.",
    )
    event_types = forms.MultipleChoiceField(
        choices=[(name, f"{name}: {kind.meaning}") for name, kind in EVENT_TYPES.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Only these are sent.",
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "description", "event_types", "is_enabled")

    def clean_url(self) -> str:
        try:
            return check_url(self.cleaned_data["url"])
        except EscalationError as error:
            raise forms.ValidationError(str(error)) from None


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ModelAdmin):
    form = EndpointForm
    actions = None
    list_display = ("__str__", "url", "status_label", "why", "waiting", "dead")
    search_fields = ("url", "description")
    change_form_outer_before_template = "admin/escalation/parts/endpoint_actions.html"

    class Media:
        css = {"all": ["agents/admin/panels.css", "conversations/admin/timeline.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        queryset: QuerySet[WebhookEndpoint] = super().get_queryset(request)
        unseen = Q(deliveries__status=Status.DEAD, deliveries__dismissed_at=None)
        return queryset.annotate(
            waiting_total=Count("deliveries", Q(deliveries__status=Status.PENDING)),
            dead_total=Count("deliveries", unseen),
        )

    # An endpoint that is no longer wanted is disabled; its deliveries are a record.
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="status", label=TONES)
    def status_label(self, endpoint: WebhookEndpoint) -> str:
        return "enabled" if endpoint.is_enabled else "disabled"

    @display(description="why")
    def why(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.disabled_reason

    @display(description="waiting")
    def waiting(self, endpoint: Any) -> int:
        return int(endpoint.waiting_total)

    @display(description="dead")
    def dead(self, endpoint: Any) -> int:
        return int(endpoint.dead_total)

    def get_urls(self) -> list[URLPattern]:
        views = {
            "test": self.test_view,
            "rotate": self.rotate_view,
            "forget": self.forget_view,
        }
        urls: list[URLPattern] = super().get_urls()
        own = [
            path(
                f"<uuid:endpoint_id>/{name}/",
                self.admin_site.admin_view(require_POST(never_cache(view))),
                name=f"escalation_webhookendpoint_{name}",
            )
            for name, view in views.items()
        ]
        return [*own, *urls]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = {name: form.cleaned_data[name] for name in EndpointForm.Meta.fields}
        if change:
            endpoints.change_endpoint(obj, **values)
            return
        made, secret = endpoints.create_endpoint(**values)
        obj.pk = made.pk
        obj.refresh_from_db()
        request.new_secret = secret  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_secret(request, obj, request.new_secret)  # type: ignore[attr-defined]

    def _show_secret(
        self, request: HttpRequest, endpoint: WebhookEndpoint, secret: str
    ) -> HttpResponse:
        """Return the only page that ever shows a secret. No redirect: it would have to be kept for the next page."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"Secret of {endpoint}",
            "opts": self.opts,
            "endpoint": endpoint,
            "secret": secret,
        }
        page = TemplateResponse(request, "admin/escalation/secret.html", context)
        page["Cache-Control"] = "no-store"
        return page

    def _get_endpoint(self, request: HttpRequest, endpoint_id: Any) -> WebhookEndpoint:
        if not may_change(request, "webhookendpoint"):
            raise PermissionDenied
        endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id).first()
        if endpoint is None:
            raise Http404
        return endpoint

    def _back(self, endpoint: WebhookEndpoint) -> HttpResponse:
        return redirect("admin:escalation_webhookendpoint_change", endpoint.pk)

    def test_view(self, request: HttpRequest, endpoint_id: Any) -> HttpResponse:
        endpoint = self._get_endpoint(request, endpoint_id)
        try:
            delivery = deliveries.send_test(endpoint, now=timezone.now())
        except EscalationError as error:
            messages.error(request, str(error))
            return self._back(endpoint)
        tasks.nudge()
        self.log_change(request, endpoint, "Sent a test event.")
        messages.success(request, "A test event is on its way; this page shows what comes of it.")
        return redirect("admin:escalation_webhookdelivery_change", delivery.pk)

    def rotate_view(self, request: HttpRequest, endpoint_id: Any) -> HttpResponse:
        endpoint = self._get_endpoint(request, endpoint_id)
        try:
            secret = endpoints.rotate_secret(endpoint, now=timezone.now())
        except EscalationError as error:
            messages.error(request, str(error))
            return self._back(endpoint)
        self.log_change(request, endpoint, "Rotated the secret.")
        return self._show_secret(request, endpoint, secret)

    def forget_view(self, request: HttpRequest, endpoint_id: Any) -> HttpResponse:
        endpoint = self._get_endpoint(request, endpoint_id)
        endpoints.forget_previous_secret(endpoint)
        self.log_change(request, endpoint, "Let the previous secret expire.")
        messages.success(request, "From now on only the current secret signs.")
        return self._back(endpoint)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        endpoint: WebhookEndpoint | None = kwargs.get("obj")
        if endpoint is not None:
            context.update(
                endpoint=endpoint,
                may_change=may_change(request, "webhookendpoint"),
                is_rotating=endpoint.is_rotating(timezone.now()),
            )
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page


class EventTypeFilter(admin.SimpleListFilter):
    """The events that there are; to look for those that occur would read all rows."""

    title, parameter_name = "event type", "event_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in (*EVENT_TYPES, TEST.name)]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]
    ) -> QuerySet[WebhookDelivery]:
        return queryset.filter(event_type=self.value()) if self.value() else queryset


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        "webhook_id",
        "event_type",
        "endpoint",
        "status_label",
        "attempt_count",
        "error",
        "next_time",
        "created_at",
    )
    list_filter = (
        "status",
        ("dismissed_at", admin.EmptyFieldListFilter),
        EventTypeFilter,
        "endpoint",
        "created_at",
    )
    list_select_related = ("endpoint",)
    search_fields = ("id", "event_type", "error")
    fields = ("event_type",)
    actions = ("send_again", "dismiss")  # type: ignore[assignment]  # the base has none

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        queryset: QuerySet[WebhookDelivery] = super().get_queryset(request)
        return queryset.select_related("endpoint", "conversation").defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery], search_term: str
    ) -> tuple[QuerySet[WebhookDelivery], bool]:
        # What a receiver quotes is the header, which is the id in other clothes.
        term = search_term.strip().removeprefix("msg_")
        found: tuple[QuerySet[WebhookDelivery], bool] = super().get_search_results(
            request, queryset, term
        )
        return found

    @display(description="status", ordering="status", label=TONES)
    def status_label(self, delivery: WebhookDelivery) -> tuple[str, str]:
        return delivery.status, delivery.get_status_display()

    @display(description="next attempt", ordering="next_attempt_at")
    def next_time(self, delivery: WebhookDelivery) -> Any:
        return delivery.next_attempt_at if delivery.status == Status.PENDING else None

    # Named by Django: asked for the actions' permission.
    def has_resend_permission(self, request: HttpRequest) -> bool:
        return may_change(request, "webhookdelivery")

    @action(description="Send again", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        chosen = queryset.count()
        count = deliveries.send_again(queryset, now=timezone.now())
        tasks.nudge()
        left = chosen - count
        note = f"; {left} left: under way, or their endpoint is disabled" if left else ""
        messages.info(request, f"{count} will be sent again{note}.")

    @action(description="Dismiss dead letters", permissions=["resend"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        count = deliveries.dismiss(queryset, now=timezone.now())
        messages.info(request, f"{count} dead letters were dismissed.")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.settle_view))
        urls: list[URLPattern] = super().get_urls()
        own = path("<uuid:delivery_id>/settle/", view, name="escalation_webhookdelivery_settle")
        return [own, *urls]

    def settle_view(self, request: HttpRequest, delivery_id: Any) -> HttpResponse:
        if not may_change(request, "webhookdelivery"):
            raise PermissionDenied
        rows = WebhookDelivery.objects.filter(pk=delivery_id)
        verbs = {"again": self.send_again, "dismiss": self.dismiss}
        verb = verbs.get(request.POST.get("verb", ""))
        if verb is None or not rows.exists():
            raise Http404
        verb(request, rows)
        return redirect("admin:escalation_webhookdelivery_change", delivery_id)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        delivery: WebhookDelivery = kwargs["obj"]
        context.update(
            title=f"{delivery.event_type} {delivery.webhook_id}",
            delivery=delivery,
            body=_pretty(bytes(delivery.body)),
            attempts=delivery.attempts.order_by("number"),
            settle_url=reverse("admin:escalation_webhookdelivery_settle", args=[delivery.pk]),
            may_change=may_change(request, "webhookdelivery"),
        )
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page


def _pretty(body: bytes) -> str:
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
