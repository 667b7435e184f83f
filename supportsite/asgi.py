"""HTTP, sockets, and what happens around them: warm-up after the start, an orderly stop."""

from __future__ import annotations

import os
import warnings
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportsite.settings")

# WhiteNoise gives a file as a plain iterator. Django reads it into memory and says so for each; ours are small.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iter")

from django.core.asgi import get_asgi_application  # noqa: E402 - as it warns

http = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - needs the apps

from conversations.routing import websocket_urlpatterns as chat  # noqa: E402
from escalation.routing import websocket_urlpatterns as desk  # noqa: E402
from supportsite.lifespan import lifespan  # noqa: E402
from supportsite.metrics import count_sockets  # noqa: E402

application: Any = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": count_sockets(URLRouter([*chat, *desk])),
        "lifespan": lifespan,
    }
)
