"""Settings of this installation, from the FIU_* variables (docs/operate/settings.md).

Letters and numbers in brackets name the rules kept here: C sessions of the database, J jobs,
S security, W client rules.
"""

import gc
import logging
import re
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import environ
import structlog
from csp.constants import NONE, SELF

from fiu.environment import (
    ROOT,
    SettingsError,
    address,
    database_of,
    make_home,
    origin_of,
    password,
    read,
    require_host_names,
    require_kept,
    require_redis,
    require_secure,
    secret,
    with_password,
)
from fiu.logs import plain_exception, plain_sentence

# What a start makes lives as long as the process: to look through it for garbage at each 700 new
# objects costs a tenth of the start, and of each import.
gc.set_threshold(200_000, 20, 100)

_values = read()

FIU_HOME = Path(_values["FIU_HOME"]).resolve()
make_home(FIU_HOME)

BASE_DIR = ROOT
DEBUG = False
_key_file = Path(_values["FIU_SECRET_KEY_FILE"] or FIU_HOME / "secrets" / "secret_key")
if _values["FIU_SECRET_KEY_FILE"]:
    require_kept("FIU_SECRET_KEY_FILE", _key_file, FIU_HOME)
SECRET_KEY = secret(_key_file, "FIU_SECRET_KEY_FILE")
FIU_TLS = _values["FIU_TLS"]
ALLOWED_HOSTS = _values["FIU_ALLOWED_HOSTS"]
for _name in ("FIU_ALLOWED_HOSTS", "FIU_PRIVATE_HOSTS", "FIU_LABEL_HOSTS", "FIU_WEBHOOK_HOSTS"):
    require_host_names(_name, _values[_name])
FIU_ORIGIN = origin_of(_values["FIU_ORIGIN"])  # such as https://fiu.example; for links
CSRF_TRUSTED_ORIGINS = [FIU_ORIGIN] if FIU_ORIGIN else []

# How many proxies stand before the web server: the visitor's address is that many from the end of
# X-Forwarded-For. Counted wrongly, all visitors share one address and one limit of sign-ins (S4).
FIU_PROXIES = _values["FIU_PROXIES"]
FIU_DOOR = _values["FIU_DOOR"]  # which door this process opens; two processes, two host names (A9)
if FIU_DOOR not in {"both", "house", "liaison"}:
    raise SettingsError("FIU_DOOR must be both, house or liaison.")
if FIU_PROXIES < 0:
    raise SettingsError("FIU_PROXIES must be a number of proxies, 0 or more.")

_LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
if not FIU_TLS and not set(ALLOWED_HOSTS) <= _LOOPBACK:
    raise SettingsError("Hosts other than loopback need FIU_TLS=1 and a proxy that ends TLS.")

INSTALLED_APPS = [
    "fiu",
    "cases",
    "tracing",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "fiu.static_files.OwnStaticFiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "django_htmx",
    "template_partials",
    "csp",
]

# Sign-in at the organisation's own provider, for people of the house; off without an issuer (S2).
OIDC_ISSUER = "" if FIU_DOOR == "liaison" else _values["FIU_OIDC_ISSUER"]
OIDC_CLIENT_ID = _values["FIU_OIDC_CLIENT_ID"]
OIDC_NAME = _values["FIU_OIDC_NAME"]
OIDC_SECOND_FACTOR = _values["FIU_OIDC_SECOND_FACTOR"]  # such as amr:mfa or acr:phr
OIDC_CLIENT_SECRET = ""
if OIDC_ISSUER:
    require_secure("FIU_OIDC_ISSUER", OIDC_ISSUER)
    if not OIDC_CLIENT_ID or not _values["FIU_OIDC_CLIENT_SECRET_FILE"]:
        raise SettingsError(
            "FIU_OIDC_ISSUER needs FIU_OIDC_CLIENT_ID and FIU_OIDC_CLIENT_SECRET_FILE."
        )
    if not all(each.startswith(("amr:", "acr:")) for each in OIDC_SECOND_FACTOR):
        raise SettingsError("FIU_OIDC_SECOND_FACTOR lists claims such as amr:mfa or acr:phr.")
    if not all(find_spec(name) for name in ("jwt", "requests")):
        raise SettingsError("FIU_OIDC_ISSUER needs: pip install -r requirements-oidc.txt")
    OIDC_CLIENT_SECRET = password(
        "FIU_OIDC_CLIENT_SECRET_FILE", _values["FIU_OIDC_CLIENT_SECRET_FILE"]
    )
    INSTALLED_APPS += ["allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"]
SOCIALACCOUNT_ADAPTER = "fiu.oidc.adapter.SignInAdapter"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "fiu.middleware.ResponseHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "fiu.middleware.ClientAddress",
    "csp.middleware.CSPMiddleware",
    "fiu.sessions.DoorSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "fiu.middleware.RequestLog",
    "fiu.middleware.IdleSessions",
    "fiu.preferences.DoorLanguage",
    "fiu.session_over.SessionOver",
    "fiu.middleware.OneDoor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "fiu.middleware.SecondFactor",
    "fiu.once.OnceAMoment",
    "fiu.middleware.CurrentActor",
    "fiu.middleware.DomainErrors",
]

ROOT_URLCONF = "fiu.urls"
WSGI_APPLICATION = "fiu.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "fiu.dashboard.rail",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Database ---

SQLITE_PRAGMAS = (  # C5, each connection
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA foreign_keys=ON;"
    "PRAGMA recursive_triggers=ON;"
    "PRAGMA secure_delete=ON;"
    "PRAGMA trusted_schema=OFF;"
)
if _values["FIU_DATABASE_URL"]:
    _default_database = database_of(_values["FIU_DATABASE_URL"])
    if _values["FIU_DATABASE_PASSWORD_FILE"]:
        _default_database["PASSWORD"] = password(
            "FIU_DATABASE_PASSWORD_FILE", _values["FIU_DATABASE_PASSWORD_FILE"]
        )
    _default_database |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
else:
    _default_database = {
        "ENGINE": "fiu.sqlite",
        "NAME": FIU_HOME / "db.sqlite3",
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": SQLITE_PRAGMAS,
        },
    }
# Row-level security: every statement tells for whom it is made (A10). Cursors of the server could
# not; long reads are held by the client instead.
ROW_SECURITY = _values["FIU_RLS"]
if ROW_SECURITY:
    if not _values["FIU_DATABASE_URL"]:
        raise SettingsError("FIU_RLS needs PostgreSQL: SQLite knows no policies on rows.")
    _default_database |= {"ENGINE": "fiu.postgresql", "DISABLE_SERVER_SIDE_CURSORS": True}
DATABASES = {"default": _default_database}  # ATOMIC_REQUESTS stays off: C6
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_broker_url, _cache_url = _values["FIU_BROKER_URL"], _values["FIU_CACHE_URL"]
require_redis("FIU_BROKER_URL", _broker_url)
require_redis("FIU_CACHE_URL", _cache_url)
if _values["FIU_REDIS_PASSWORD_FILE"]:
    _word = password("FIU_REDIS_PASSWORD_FILE", _values["FIU_REDIS_PASSWORD_FILE"])
    _broker_url, _cache_url = (
        url and with_password(url, _word) for url in (_broker_url, _cache_url)
    )

# A cache per process would count failed sign-ins per process and accept a code twice (E6, S4).
if _cache_url:
    CACHES = {"default": environ.Env.cache_url_config(_cache_url)}
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": "fiu_cache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},  # culling would forget used codes and failures
        }
    }

# The liaison door has a part of the cache of its own: under its prefix, and by its own password,
# which opens no other. The house leaves there what officers find, links to sign in with.
CACHES["liaison"] = {**CACHES["default"], "KEY_PREFIX": "liaison"}
if FIU_DOOR == "liaison":
    CACHES["default"] = CACHES["liaison"]

# In the process itself, for what is read on every page and may be seconds old.
CACHES["nearby"] = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}

# --- People and sessions ---

AUTH_USER_MODEL = "fiu.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "fiu.accounts.MaximumLengthValidator"},
    {"NAME": "fiu.passwords.BreachedPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
BREACHED_PASSWORDS_FILE = _values["FIU_BREACHED_PASSWORDS_FILE"]
if BREACHED_PASSWORDS_FILE and not Path(BREACHED_PASSWORDS_FILE).is_file():
    raise SettingsError("FIU_BREACHED_PASSWORDS_FILE must be a file that exists.")
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"

ACCOUNT_ADAPTER = "fiu.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_RATE_LIMITS = {  # S4
    "login": "10/h/ip",
    "login_failed": "5/15m/key",
    "reauthenticate": "10/15m/user",
    "change_password": "5/15m/user",
}
MFA_ADAPTER = "fiu.factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "add_webauthn": "fiu.forms_keys.NewKeyForm",
    "authenticate_webauthn": "fiu.forms_keys.KeyForm",
    "reauthenticate_webauthn": "fiu.forms_keys.KeyAgainForm",
}
MFA_PASSKEY_LOGIN_ENABLED = False  # a key is the second factor; the first stays
MFA_ALLOW_UNVERIFIED_EMAIL = True  # accounts are made by administrators; no one signs up
MFA_TOTP_ISSUER = "Tracehold"
MFA_TOTP_TOLERANCE = 0  # a used code is remembered for one period only
MFA_RECOVERY_CODE_COUNT = 10
MFA_RECOVERY_CODES_SHOW_ONCE = True  # kept as hashes from then on (fiu/factors.py)
USERSESSIONS_TRACK_ACTIVITY = False

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())  # S1: whatever the activity
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = FIU_TLS
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-fiu" if FIU_TLS else "fiu_session"
LIAISON_COOKIE_NAME = "__Host-fiu-liaison" if FIU_TLS else "fiu_liaison_session"
LIAISON_PREFIX = "/liaison/"
IDLE_SECONDS = 30 * 60
IDLE_SECONDS_LIAISON = 15 * 60
CSRF_COOKIE_SECURE = FIU_TLS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_NAME = "__Host-fiu-csrf" if FIU_TLS else "fiu_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "fiu.errors.csrf_failure"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Browser rules (S6, S7) ---

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "report-uri": "/csp-report/",
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not "no-referrer": under it browsers post forms with "Origin: null", which the CSRF check refuses.
# Nothing leaves the origin either way.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if FIU_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = FIU_TLS
SECURE_HSTS_PRELOAD = FIU_TLS
SECURE_SSL_REDIRECT = FIU_TLS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if FIU_TLS else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- Language, time, files ---

LANGUAGE_CODE = "en"
# Of the portal; the house speaks English (fiu/preferences.py).
LANGUAGES = [("en", "English"), ("zh-hant", "繁體中文"), ("fr", "Français")]
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = Path(_values["FIU_STATIC_ROOT"] or FIU_HOME / "static")
STATICFILES_DIRS: list[Path] = []
MEDIA_ROOT = FIU_HOME / "files"  # served only through the one file view, never by address
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # Compressing takes seconds: an image does it once, a start on one machine does without.
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _values["FIU_STATIC_ROOT"]
        else "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
    },
}

# --- The door for programs ---

API_PREFIX = "/api/"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["fiu.tokens.TokenAccess", "fiu.tokens.SessionAccess"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "cases.api.parsing.AlwaysJSON",
    "DEFAULT_PARSER_CLASSES": ["cases.api.parsing.CappedJSONParser"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "cases.api.schema.Operation",
    "EXCEPTION_HANDLER": "cases.api.problems.answer_problem",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tracehold",
    "DESCRIPTION": "Casework for programs. What you may not see does not exist: 404.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "OAS_VERSION": "3.0.3",
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # a test reads its warnings, not each start of a service
    "POSTPROCESSING_HOOKS": [],  # enumerations stand where they are used
    "COMPONENT_SPLIT_PATCH": False,
    "COMPONENT_NO_READ_ONLY_REQUIRED": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE_NAME},
        }
    },
    "GENERIC_ADDITIONAL_PROPERTIES": "bool",
    "SORT_OPERATION_PARAMETERS": False,
}

# --- Jobs (J1 to J14) ---

LEASE_SECONDS = _values["FIU_LEASE_SECONDS"]
HEARTBEAT_SECONDS = _values["FIU_HEARTBEAT_SECONDS"]
STALL_SECONDS = _values["FIU_STALL_SECONDS"]
CHECKPOINT_SECONDS = _values["FIU_CHECKPOINT_SECONDS"]
YIELD_SECONDS = _values["FIU_YIELD_SECONDS"]
DISPATCH_SECONDS = _values["FIU_DISPATCH_SECONDS"]
HINT_SECONDS = _values["FIU_HINT_SECONDS"]
PERIODIC_SECONDS = _values["FIU_PERIODIC_SECONDS"]
DRIFT_SECONDS = _values["FIU_DRIFT_SECONDS"]
DETECT_HOURS = _values["FIU_DETECT_HOURS"]
if not 0 <= DETECT_HOURS <= 8760:  # below 0 the rules would run over everything without end
    raise SettingsError("FIU_DETECT_HOURS must be a number from 0 to 8760; 0 is never.")
DEAF_SECONDS = _values["FIU_DEAF_SECONDS"]
if HEARTBEAT_SECONDS * 2 > LEASE_SECONDS:
    raise SettingsError("FIU_HEARTBEAT_SECONDS must be at most half of FIU_LEASE_SECONDS.")

HINTS_BY = "fiu.celery.app"  # loaded with the first message
CELERY_BROKER_URL = _broker_url or "filesystem://localhost//"
if CELERY_BROKER_URL.startswith("filesystem"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(FIU_HOME / "queue"),
        "data_folder_out": str(FIU_HOME / "queue"),
        "control_folder": str(FIU_HOME / "queue-control"),
        "polling_interval": 0.1,
        "store_processed": False,
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "global_keyprefix": "tracehold:",
        "socket_timeout": 5,
        "socket_connect_timeout": 3,
        "health_check_interval": 5,
        "retry_on_timeout": True,
    }
CELERY_BROKER_CONNECTION_TIMEOUT = 3
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Long runs have workers of their own: a freeze never waits behind a trace.
CELERY_TASK_DEFAULT_QUEUE = "casework"
CELERY_TASK_ROUTES = {"tracing.run": {"queue": "runs"}}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 100
CELERY_TASK_TIME_LIMIT = 55 * 60  # the net; a run yields by itself before
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"

# --- Nodes: the only hosts that sync_chain asks ---

NODES_FILE = Path(_values["FIU_NODES_FILE"] or FIU_HOME / "nodes.toml")

# --- Hosts outside: who may lie in a private network (tracing/peers.py) ---

PRIVATE_HOSTS = _values["FIU_PRIVATE_HOSTS"]

# --- Labels: the only hosts and the only folder that sources of labels are fetched from ---

LABEL_HOSTS = _values["FIU_LABEL_HOSTS"]
LABEL_FOLDER = Path(_values["FIU_LABEL_FOLDER"] or FIU_HOME / "labels")

# --- Webhooks: the only hosts that are told that something changed ---

WEBHOOK_HOSTS = _values["FIU_WEBHOOK_HOSTS"]

# Where whole-ledger jobs run: DuckDB in the process that asks, or a server (docs/operate/scale.md).
COMPUTE_URL = _values["FIU_COMPUTE_URL"]
COMPUTE_HOME = _values["FIU_COMPUTE_HOME"]
COMPUTE_MEMORY = _values["FIU_COMPUTE_MEMORY"]
if COMPUTE_URL and not address(COMPUTE_URL, ("sc",)):
    raise SettingsError("FIU_COMPUTE_URL must look like sc://host:port.")
if not re.fullmatch(r"[1-9][0-9]{0,5}(MB|GB)", COMPUTE_MEMORY):
    raise SettingsError("FIU_COMPUTE_MEMORY must be an amount such as 4GB or 800MB.")

# --- The exchange ---

FIU_REFERENCE_EXCHANGE = _values["FIU_REFERENCE_EXCHANGE"]
EXCHANGE_URL = _values["FIU_EXCHANGE_URL"]
EXCHANGE_TOKEN_FILE = Path(
    _values["FIU_EXCHANGE_TOKEN_FILE"] or FIU_HOME / "secrets" / "exchange_token"
)
if EXCHANGE_URL and not address(EXCHANGE_URL, ("http", "https")):
    raise SettingsError(
        "FIU_EXCHANGE_URL must start with http:// or https:// and name a host, such as"
        " https://core.example."
    )

# --- Faults on purpose: in a scratch installation only (tracing/failpoints.py) ---

IS_SCRATCH = (FIU_HOME / "scratch.json").exists()
FAILPOINT = _values["FIU_FAILPOINT"]
if FAILPOINT and not IS_SCRATCH:
    raise SettingsError(
        "FIU_FAILPOINT ends processes on purpose: only a scratch installation, made by"
        " `manage.py chaos`, starts with it."
    )

# --- Audit checkpoints (H5) ---

AUDIT_CHECKPOINT_DIR = Path(_values["FIU_AUDIT_CHECKPOINT_DIR"] or FIU_HOME / "checkpoints")
AUDIT_CHECKPOINT_SECONDS = _values["FIU_AUDIT_CHECKPOINT_SECONDS"]

# --- Suspicion reports: the receiver's schema and who we are to them ---

GOAML_XSD_DIR = Path(_values["FIU_GOAML_XSD_DIR"] or FIU_HOME / "schemas" / "goaml")
REPORTING_ENTITY_FILE = Path(
    _values["FIU_REPORTING_ENTITY_FILE"] or FIU_HOME / "reporting_entity.yaml"
)

# --- Freezes (E7) ---

PROVISIONAL_HOURS = _values["FIU_PROVISIONAL_HOURS"]
if not 1 <= PROVISIONAL_HOURS <= 72:
    raise SettingsError("FIU_PROVISIONAL_HOURS must be a number of hours from 1 to 72.")

# --- Limits on what one person or program may ask for (S4) ---

API_PER_SECOND = _values["FIU_API_PER_SECOND"]
API_BURST = _values["FIU_API_BURST"]
EXPORTS_PER_HOUR = _values["FIU_EXPORTS_PER_HOUR"]
TRACES_AT_ONCE = _values["FIU_TRACES_AT_ONCE"]
UPLOAD_MEGABYTES_PER_DAY = _values["FIU_UPLOAD_MEGABYTES_PER_DAY"]
CASE_MEGABYTES = _values["FIU_CASE_MEGABYTES"]
if min(UPLOAD_MEGABYTES_PER_DAY, CASE_MEGABYTES) < 50:
    raise SettingsError("FIU_UPLOAD_MEGABYTES_PER_DAY and FIU_CASE_MEGABYTES must be 50 or more.")
CLAMD = _values["FIU_CLAMD"]
if CLAMD and not (
    (CLAMD.startswith("unix:///") and len(CLAMD) > len("unix:///")) or address(CLAMD, ("tcp",))
):
    raise SettingsError("FIU_CLAMD must be unix:///path/of/the/socket or tcp://host:port.")
TSA_URL = _values["FIU_TSA_URL"]
if TSA_URL:
    require_secure("FIU_TSA_URL", TSA_URL)
for _name in (
    "FIU_API_PER_SECOND", "FIU_API_BURST", "FIU_EXPORTS_PER_HOUR", "FIU_TRACES_AT_ONCE",
):  # fmt: skip
    if not 1 <= _values[_name] <= 1_000_000:
        raise SettingsError(f"{_name} must be a number from 1 to 1000000.")

# --- The page for monitoring: with this token, else from loopback alone ---

METRICS_TOKEN = ""
if _values["FIU_METRICS_TOKEN_FILE"]:
    METRICS_TOKEN = password("FIU_METRICS_TOKEN_FILE", _values["FIU_METRICS_TOKEN_FILE"])
    if len(METRICS_TOKEN) < 32:
        raise SettingsError("FIU_METRICS_TOKEN_FILE must hold at least 32 characters.")

# --- Logs: ids only (P5) ---

_shared_processors: list[Any] = [  # structlog types each processor differently
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                plain_exception,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [*_shared_processors, plain_sentence],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": _values["FIU_LOG_LEVEL"].upper()},
    "loggers": {
        # Django's own request lines carry paths with query strings.
        "django.request": {"level": "ERROR"},
        "django.server": {"level": "ERROR"},
        "django.security.csrf": {"level": "CRITICAL"},  # its lines carry paths
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},
        "celery.app.trace": {"level": "WARNING"},  # logs arguments at INFO
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[
        *_shared_processors,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG

# --- Mail: one neutral sentence, and none without a server (P3) ---

MAIL_URL = _values["FIU_MAIL_URL"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
EMAIL_TIMEOUT = 10
if MAIL_URL:
    _mail = address(MAIL_URL, ("smtp", "smtps"))
    if _mail is None or _mail.password:
        raise SettingsError(
            "FIU_MAIL_URL must be smtp://user@host:587 or smtps://user@host:465; its password"
            " comes from FIU_MAIL_PASSWORD_FILE."
        )
    if "@" not in (_values["FIU_MAIL_FROM"]) or not FIU_ORIGIN:
        raise SettingsError("FIU_MAIL_URL needs FIU_MAIL_FROM, an address, and FIU_ORIGIN.")
    DEFAULT_FROM_EMAIL = _values["FIU_MAIL_FROM"]
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = _mail.hostname
    EMAIL_USE_SSL = _mail.scheme == "smtps"
    EMAIL_USE_TLS = not EMAIL_USE_SSL and EMAIL_HOST not in {"localhost", "127.0.0.1", "::1"}
    EMAIL_PORT = _mail.port or (465 if EMAIL_USE_SSL else 587)
    EMAIL_HOST_USER = unquote(_mail.username or "")
    EMAIL_HOST_PASSWORD = ""
    if _values["FIU_MAIL_PASSWORD_FILE"]:
        EMAIL_HOST_PASSWORD = password("FIU_MAIL_PASSWORD_FILE", _values["FIU_MAIL_PASSWORD_FILE"])
