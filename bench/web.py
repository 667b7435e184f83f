"""The web server exactly as in production, but for its model: `python -m bench.web --port 8000`."""

from __future__ import annotations

from supportsite import web

if __name__ == "__main__":
    web.APPLICATION = "bench.asgi:application"
    web.main()
