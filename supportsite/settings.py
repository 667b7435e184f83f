"""Django's settings. Everything that a site may vary comes from `env.py`."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

from supportsite.env import ROOT, check_data_dir, read_environment
from supportsite.secret_files import kept_secret
from supportsite.unfold import UNFOLD as UNFOLD

# Before anything imports LangGraph: a crafted checkpoint row must not be able to run code (FACTS).
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

ENV = read_environment()
# What LangChain would send to LangSmith are customers' words. One name switches it on, and none that was meant for
# another program in the same shell.
for name in ("LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"):
    os.environ.pop(name, None)
LANGSMITH_TRACING = ENV.LANGSMITH_TRACING
os.environ["LANGSMITH_TRACING"] = str(LANGSMITH_TRACING).lower()

BASE_DIR = ROOT
DATA_DIR = ENV.DATA_DIR
check_data_dir(DATA_DIR)

# Django's own debug pages only when asked for: the demo mode must not show a customer a traceback.
DEBUG = ENV.DEBUG is True
DEMO_MODE = ENV.is_demo
SECRET_KEY = ENV.SECRET_KEY or kept_secret(DATA_DIR / "secret_key")
ALLOWED_HOSTS = ENV.ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_ORIGINS = ENV.ALLOWED_ORIGINS

INSTALLED_APPS = [
    "supportsite.apps.DaphneConfig",  # before staticfiles, so that its runserver is the one
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "supportsite.apps.SupportsiteConfig",
    "agents",
    "agents.verticals.ecommerce",
    "agents.verticals.saas",
    "agents.verticals.fintech",
    "conversations",
    "escalation",
]

MIDDLEWARE = [
    # First: a balancer asks by address, which is no allowed host, and without TLS.
    "supportsite.watch.watch_middleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "supportsite.admin_csp.admin_csp_middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "supportsite.urls"
ASGI_APPLICATION = "supportsite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# --- engines -----------------------------------------------------------------------------------

DATABASE_URL = ENV.DATABASE_URL or f"sqlite:///{DATA_DIR / 'support.sqlite3'}"


def _database(url: str) -> dict[str, Any]:
    config: dict[str, Any] = dict(dj_database_url.parse(url))
    if config["ENGINE"].endswith("sqlite3"):
        # DEFERRED gave 108 119 lock errors in 8 s between processes, IMMEDIATE and WAL none (FACTS).
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        config["CONN_MAX_AGE"] = 600
    else:
        config["CONN_MAX_AGE"] = 0
        config["OPTIONS"] = {
            **config.get("OPTIONS", {}),
            "pool": {"min_size": 1, "max_size": 20, "timeout": 20},
        }
        config["CONN_HEALTH_CHECKS"] = True
        config["DISABLE_SERVER_SIDE_CURSORS"] = ENV.DATABASE_IS_POOLED
    return config


DATABASES = {"default": _database(DATABASE_URL)}

REDIS_URL = ENV.REDIS_URL or "redis://127.0.0.1:6379/0"
CHANNEL_LAYERS = {
    "default": {
        # The core layer drops silently after 100 messages and forgets its groups when Valkey
        # restarts; doorbells need neither (FACTS).
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # Without socket_timeout=None redis 8 drops every idle socket after 5 s (channels_redis#422).
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}]},
    }
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)  # as kombu spells it
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "max_retries": 1,
}
CELERY_TIMEZONE = "UTC"
# Keeps no file: what is due within seconds anyway needs no memory of its last time.
CELERY_BEAT_SCHEDULER = "celery.beat.Scheduler"
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": timedelta(seconds=ENV.SWEEP_SECONDS)}
    for task in (
        "conversations.tasks.expire_interrupts",
        "conversations.tasks.recover_runs",
        "escalation.tasks.deliver_webhooks",
        "escalation.tasks.summarise_escalations",
        *(["conversations.tasks.purge_conversations"] if ENV.RETENTION_DAYS else []),
    )
}
# Not with the sweeps, whose pace a site may choose: silence is to be noticed soon.
HEARTBEAT_SECONDS = 5
CELERY_BEAT_SCHEDULE["supportsite.tasks.heartbeat"] = {
    "task": "supportsite.tasks.heartbeat",
    "schedule": timedelta(seconds=HEARTBEAT_SECONDS),
}

# --- the chat ----------------------------------------------------------------------------------

DEFAULT_TEMPLATE = "ecommerce"
LLM_MODEL = ENV.LLM_MODEL
LLM_FALLBACK_MODEL = ENV.LLM_FALLBACK_MODEL
OPENAI_API_KEY = ENV.OPENAI_API_KEY
OPENAI_BASE_URL = ENV.OPENAI_BASE_URL
USES_OFFLINE_MODEL = ENV.uses_offline_model
LLM_TIMEOUT_SECONDS = ENV.LLM_TIMEOUT_SECONDS
RUN_TIMEOUT_SECONDS = 120
RECURSION_LIMIT = 25
SESSION_TTL_SECONDS = ENV.SESSION_TTL_SECONDS
INTERRUPT_TTL_SECONDS = ENV.INTERRUPT_TTL_SECONDS
RETENTION_DAYS = ENV.RETENTION_DAYS
SWEEP_SECONDS = ENV.SWEEP_SECONDS
STOP_GRACE_SECONDS = ENV.STOP_GRACE_SECONDS
IDENTITY_SECRET = ENV.IDENTITY_SECRET
LEASE_SECONDS = 15
MAX_RUN_ATTEMPTS = 3
MAX_QUEUED_MESSAGES = 5
MAX_FRAME_BYTES = 32_768
MAX_CONTENT_CHARS = 8_000
TOKEN_MAX_AGE_SECONDS = 30 * 86_400

# --- webhooks ----------------------------------------------------------------------------------

WEBHOOK_SECRET_KEYS = ENV.WEBHOOK_SECRET_KEY or [kept_secret(DATA_DIR / "webhook_secret_key")]
WEBHOOK_RETRY_SECONDS = ENV.WEBHOOK_RETRY_SECONDS
WEBHOOK_ALLOW_HTTP = ENV.WEBHOOK_ALLOW_HTTP
WEBHOOK_ALLOWED_HOSTS = ENV.WEBHOOK_ALLOWED_HOSTS
WEBHOOK_CONNECT_SECONDS = 5
WEBHOOK_TOTAL_SECONDS = 15
WEBHOOK_LEASE_SECONDS = 30

# --- pages and their safety --------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = None if DEMO_MODE else BASE_DIR / "staticfiles"  # the demo serves them from the apps
WHITENOISE_USE_FINDERS = DEMO_MODE
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
# unfold is built on Alpine, which evaluates expressions in attributes, and on a style element of its own colours.
# It has no inline script, so that one smuggled into a page does not run.
ADMIN_CSP = {
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
}

LOGIN_REDIRECT_URL = "admin:index"

X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [origin for origin in ALLOWED_ORIGINS if origin != "*"]
if not DEMO_MODE:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# --- what those see who run it -----------------------------------------------------------------

METRICS_TOKEN = ENV.METRICS_TOKEN or kept_secret(DATA_DIR / "metrics_token")
METRICS_PORT = ENV.METRICS_PORT
OTLP_ENDPOINT = ENV.OTEL_EXPORTER_OTLP_ENDPOINT
LOG_FORMAT = ENV.LOG_FORMAT or ("text" if DEMO_MODE else "json")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "{levelname} {name}: {message}", "style": "{"},
        "json": {"()": "supportsite.logs.JsonFormatter"},
    },
    "filters": {"without_sockets": {"()": "supportsite.logs.WithoutSockets"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # One line a request, with its query, is noise here and may hold personal data.
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "django.server": {"level": "WARNING"},
        "uvicorn.error": {"filters": ["without_sockets"]},
        # Two lines a task, of which there are several every few seconds.
        "celery": {"level": "WARNING"},
    },
}
