from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from agents.models import AgentTemplate
from conversations.chat_page import get_chat_config, list_cards


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "conversations/home.html", {"cards": list_cards()})


@require_safe
@never_cache
def chat(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        config = get_chat_config(slug, now=timezone.now())
    except AgentTemplate.DoesNotExist:
        raise Http404(slug) from None
    return render(request, "conversations/chat.html", {"config": config})
