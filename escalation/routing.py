from channels.auth import AuthMiddlewareStack
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from escalation.consumers import DeskConsumer

# A page of another site would come with the cookie of whoever is logged in here, hence the check of its origin.
_desk = AllowedHostsOriginValidator(AuthMiddlewareStack(DeskConsumer.as_asgi()))

websocket_urlpatterns = [path("ws/desk/<uuid:conversation_id>/", _desk)]
