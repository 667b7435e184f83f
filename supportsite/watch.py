"""The pages for machines that watch the site: /health/live, /health/ready and /metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from supportsite.health import live, ready
from supportsite.metrics import metrics

PAGES: dict[str, Callable[[HttpRequest], Awaitable[HttpResponse]]] = {
    "/health/live": live,
    "/health/ready": ready,
    "/metrics": metrics,
}
GetResponse = (
    Callable[[HttpRequest], HttpResponse] | Callable[[HttpRequest], Awaitable[HttpResponse]]
)


@sync_and_async_middleware
def watch_middleware(get_response: GetResponse) -> GetResponse:
    """Answer these pages before anything else has a say."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponse:
            if page := PAGES.get(request.path):
                return await page(request)
            return await get_response(request)  # type: ignore[no-any-return]

        return answer_async

    def answer(request: HttpRequest) -> HttpResponse:
        if page := PAGES.get(request.path):
            return async_to_sync(page)(request)
        return get_response(request)  # type: ignore[return-value]

    return answer
