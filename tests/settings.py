"""Settings of the test run: a state folder of its own, short leases, plain static files."""

import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

SHARED_HOME = Path(os.environ.get("FIU_HOME") or tempfile.mkdtemp(prefix="fiu-test-"))
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
os.environ.setdefault("FIU_HOME", str(SHARED_HOME))
# Each of the parallel processes has files of its own: exhibits are stored by their content, and
# the disposal of one would take the equal bytes of another process's. What a test starts stays
# with the home that it was given.
if WORKER and os.environ.get("TESTS_AT_HOME") != WORKER:
    os.environ |= {"TESTS_AT_HOME": WORKER, "FIU_HOME": str(SHARED_HOME / WORKER)}
    Path(os.environ["FIU_HOME"]).mkdir(parents=True, exist_ok=True)
os.environ.setdefault("FIU_LEASE_SECONDS", "4")
os.environ.setdefault("FIU_HEARTBEAT_SECONDS", "1")
os.environ.setdefault("FIU_CHECKPOINT_SECONDS", "1")
os.environ.setdefault("FIU_DISPATCH_SECONDS", "0.5")
os.environ.setdefault("FIU_HINT_SECONDS", "1")
os.environ.setdefault("FIU_LOG_LEVEL", "WARNING")
# Sign-in from outside is on, at an address where nothing answers; workers of tests start without.
os.environ["FIU_OIDC_ISSUER"] = "http://127.0.0.1:9"
os.environ["FIU_OIDC_CLIENT_ID"] = "tracehold"
os.environ["FIU_OIDC_CLIENT_SECRET_FILE"] = str(Path(__file__).with_name("oidc_secret"))

from fiu.settings import *  # noqa: E402, F403
from fiu.settings import CACHES, DATABASES, FIU_HOME, STORAGES  # noqa: E402

if DATABASES["default"]["ENGINE"] == "fiu.sqlite":
    DATABASES["default"].setdefault("TEST", {})["NAME"] = FIU_HOME / "test.sqlite3"
else:
    DATABASES["default"].setdefault("TEST", {})["NAME"] = f"tests_of_{os.getuid()}"
# Redis has 16 databases: 1 to 7 are caches of the parallel tests, 8 to 14 brokers of their workers.
WORKER_NUMBER = int((WORKER or "gw0").removeprefix("gw")) % 7
if CACHES["default"]["BACKEND"].endswith("RedisCache"):
    CACHES["default"]["LOCATION"] = urlunsplit(
        urlsplit(CACHES["default"]["LOCATION"])._replace(path=f"/{1 + WORKER_NUMBER}")
    )
    CACHES["liaison"]["LOCATION"] = CACHES["default"]["LOCATION"]
for _name in ("FIU_OIDC_ISSUER", "FIU_OIDC_CLIENT_ID", "FIU_OIDC_CLIENT_SECRET_FILE"):
    del os.environ[_name]
STORAGES["staticfiles"] = {
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
}
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
PASSWORD_HASHERS = ["tests.hashing.LightArgon2"]
# Tests ask faster than any program; those of the limits set them.
API_PER_SECOND = API_BURST = EXPORTS_PER_HOUR = 1_000_000
METRICS_TOKEN = "of the tests, forty characters and a bit"
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
