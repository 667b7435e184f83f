"""Admin pages are allowed what unfold needs; all other pages keep the strict policy of the settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import sync_and_async_middleware


def _allow(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if request.path.startswith(reverse("admin:index")):
        vars(response).setdefault("_csp_replace", settings.ADMIN_CSP)  # django-csp reads it
    return response


@sync_and_async_middleware
def admin_csp_middleware(
    get_response: Callable[[HttpRequest], Any],
) -> Callable[[HttpRequest], Any]:
    """Stand just below django-csp's middleware, which writes the header."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            response: Awaitable[HttpResponseBase] = get_response(request)
            return _allow(request, await response)

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _allow(request, get_response(request))

    return answer
