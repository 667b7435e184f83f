from django.http import HttpRequest, HttpResponse


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


def chat(request: HttpRequest, slug: str) -> HttpResponse:
    return HttpResponse("")
