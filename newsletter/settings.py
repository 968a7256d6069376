"""Django's settings: read from the environment, safe for development, loud in production.

Without DATABASE_URL the embedded servers are used (newsletter.embedded sets the two URLs and
PAPER_ROUND_EMBEDDED), and secrets are made once under var/. With DATABASE_URL set this is an
installation: secrets must be given and DEBUG stays off.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from kombu.entity import Queue

from newsletter import env, looks, paths
from newsletter.translations import SOURCE, list_languages
from newsletter.unfold_settings import UNFOLD as UNFOLD  # the admin's looks, read by name

env.read_dotenv()

BASE_DIR = paths.ROOT
VAR_DIR: Path = env.VAR
EMBEDDED = env.read_bool("PAPER_ROUND_EMBEDDED", not env.read_text("DATABASE_URL"))
DEMO = env.read_bool("PAPER_ROUND_DEMO", False)
DEBUG = env.read_bool("DEBUG", False)

SECRET_KEY = env.read_secret("SECRET_KEY", generate=EMBEDDED)
# Links in letters outlive SECRET_KEY: one-click unsubscribe must work for years (RFC 8058).
LINK_KEY = env.read_secret("PAPER_ROUND_LINK_KEY", generate=EMBEDDED)

SITE_URL = env.read_text("PAPER_ROUND_SITE_URL", "http://localhost:8000").rstrip("/")
SITE_NAME = env.read_text("PAPER_ROUND_SITE_NAME", "Paper Round")
SITE_TAGLINE = env.read_text("PAPER_ROUND_SITE_TAGLINE")
SITE_ACCENT = env.read_colour("PAPER_ROUND_ACCENT", looks.ACCENT)
SITE_ACCENT_DARK = env.read_colour(
    "PAPER_ROUND_ACCENT_DARK", looks.accent_for_dark(SITE_ACCENT)
)  # where the page is dark
SITE_LOGO = env.read_text("PAPER_ROUND_LOGO")  # path of a picture, shown beside the name
POSTAL_ADDRESS = env.read_text("PAPER_ROUND_POSTAL_ADDRESS")
FROM_EMAIL = env.read_text("PAPER_ROUND_FROM_EMAIL", "Paper Round <papers@localhost.localdomain>")
# Confirmations and links to manage come from an address of their own where one is given.
SERVICE_FROM_EMAIL = env.read_text("PAPER_ROUND_SERVICE_FROM_EMAIL")
LIST_ID = env.read_text("PAPER_ROUND_LIST_ID")
EMAIL_URL = env.read_text("EMAIL_URL", "smtp://localhost:25")
EMAIL_TIMEOUT = env.read_int("PAPER_ROUND_EMAIL_TIMEOUT", 60, 5, 900)  # seconds, every SMTP step
CUTOFF = env.read_time("PAPER_ROUND_CUTOFF", "06:00")  # of TIME_ZONE: an edition freezes then
# Who asks: services want a contact in the User-Agent. Whom to tell when a source stalls.
CONTACT = env.read_text("PAPER_ROUND_CONTACT", SITE_URL)
ALERTS_TO = env.read_list("PAPER_ROUND_ALERTS_TO")
# Private addresses and plain http that sources may be fetched from, as HOST:PORT: a mirror inside.
FETCH_ALLOW = env.read_endpoints("PAPER_ROUND_FETCH_ALLOW")
# Papers' pictures are fetched, and from these hosts alone ("*." before a name: all below it).
THUMBNAILS = env.read_bool("PAPER_ROUND_THUMBNAILS", True)
THUMBNAIL_HOSTS = env.read_list("PAPER_ROUND_THUMBNAIL_HOSTS") or ["*.huggingface.co", "*.hf.co"]
IN_DOUBT = env.read_text("IN_DOUBT", "resend")
LEASE = timedelta(seconds=env.read_int("PAPER_ROUND_LEASE", 300, 5, 3600))
SWEEP = env.read_int("PAPER_ROUND_SWEEP", 30, 1, 300)  # seconds between recoveries
BATCH = env.read_int("PAPER_ROUND_BATCH", 100, 1, 5000)  # deliveries claimed at once
RETRIES = env.read_durations("PAPER_ROUND_RETRIES", "5m 15m 1h 3h 6h")  # after a soft refusal
DAILY_LIMIT = env.read_int("PAPER_ROUND_DAILY_LIMIT", 0, 0, 1_000_000_000)  # the brake; 0: none
CANARY_PERCENT = env.read_int("PAPER_ROUND_CANARY", 1, 0, 100)  # sent and judged first; 0: none
# Percent of an edition's letters complained of that pause it, and no fewer complaints than that.
COMPLAINT_LIMIT = env.read_percent("PAPER_ROUND_COMPLAINT_LIMIT", "0.2")  # 0: none
COMPLAINT_LEAST = env.read_int("PAPER_ROUND_COMPLAINT_LEAST", 3, 1, 1_000_000)
DOMAIN_LIMITS = env.read_limits("PAPER_ROUND_DOMAIN_LIMITS", "")
INBOX_DIR = VAR_DIR / "inbox" if DEMO else None  # the Maildir of the demo's mail server

_hosts = env.read_list("ALLOWED_HOSTS")
ALLOWED_HOSTS = _hosts or (["localhost", "127.0.0.1", "[::1]"] if EMBEDDED else [])
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL.startswith("https:") else []

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "subscribers.apps.SubscribersConfig",
    "newsletter.apps.NewsletterConfig",
]
MIDDLEWARE = [
    "newsletter.web.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "newsletter.web.languages.LanguageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "newsletter.urls"
WSGI_APPLICATION = "newsletter.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "newsletter.web.context.add_site",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": {
        **env.read_database(env.read_text("DATABASE_URL", "postgresql://localhost/paper_round")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.read_text("REDIS_URL", "redis://localhost:6379/0")

# Tasks are hints: one may be lost or run twice, and none waits long for anything.
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, float | str] = {
    "visibility_timeout": 3600,  # seconds; far above the time limit, or a task would run twice
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # A dead broker is noticed; well above the second a worker waits for its next task.
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "health_check_interval": 25,
    "queue_order_strategy": "sorted",  # at_once before digests before sources
}
if DEMO:
    CELERY_BROKER_TRANSPORT_OPTIONS["polling_interval"] = 0.2  # sees soon that it is to stop
# What must not wait (ticks, recovery, service mail), letters, and what may take minutes, apart: a
# worker takes from the first queue first, and one may be kept for it alone (`worker -Q at_once`).
CELERY_TASK_DEFAULT_QUEUE = "at_once"
CELERY_TASK_QUEUES = [Queue(name) for name in ("at_once", "digests", "sources")]  # type: ignore[no-untyped-call]
CELERY_TASK_ROUTES = {
    "newsletter.tasks.deliver": {"queue": "digests"},
    "newsletter.tasks.fetch_papers": {"queue": "sources"},
    "newsletter.tasks.fetch_thumbnails": {"queue": "sources"},
    "newsletter.tasks.do_chores": {"queue": "sources"},
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30  # seconds to finish a batch when stopped
# True would end tasks between a letter's final dot and its reply whenever Redis blinks.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

LANGUAGE_CODE = SOURCE  # of commands and the admin
LANGUAGES = list_languages()
LANGUAGE_COOKIE_NAME = "language"
# What a page speaks to a browser that prefers none of the site's languages.
SITE_LANGUAGE = env.read_choice("PAPER_ROUND_LANGUAGE", SOURCE, [code for code, _ in LANGUAGES])
TIME_ZONE = env.read_zone(
    "PAPER_ROUND_TIME_ZONE", "UTC"
)  # the site's day: editions are dated by it
USE_I18N = True
FORMAT_MODULE_PATH = "newsletter.formats"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = None if EMBEDDED else BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = EMBEDDED

_https = SITE_URL.startswith("https:")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_SSL_REDIRECT = _https and env.read_bool("PAPER_ROUND_SSL_REDIRECT", True)
# One-click unsubscribe and health probes are never redirected (RFC 8058 §3.2).
SECURE_REDIRECT_EXEMPT = [r"^u/", r"^healthz$", r"^readyz$"]
# Without any referrer browsers post with "Origin: null", which the CSRF check refuses; the pages
# behind a link with a token say "no-referrer" themselves.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "newsletter.web.errors.refuse_forgery"
# How many proxies of ours write X-Forwarded-For; with 0 nobody is believed.
TRUSTED_PROXIES = env.read_int("PAPER_ROUND_TRUSTED_PROXIES", 0, 0, 10)
if env.read_bool("PAPER_ROUND_TRUST_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# What goes wrong is written to standard error, without addresses and tokens.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "redacted": {
            "()": "newsletter.redaction.RedactingFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "redacted"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        "django.request": {"level": "ERROR"},  # what is missing is in the access log
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}
