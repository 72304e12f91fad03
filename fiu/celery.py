"""The Celery application. A message is only a hint: the rows in the database are the truth."""

import os
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.signals import setup_logging, worker_init, worker_ready, worker_shutting_down
from kombu.connection import Connection

from cases.acting import let_process_act_as_system
from fiu import broker
from tracing.stopping import ask_to_stop

broker.install()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fiu.settings")


class NearbyConnection(Connection):
    """To a broker of our own house: it is asked again each second or two, not each half minute."""

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        often = {"interval_start": 1, "interval_step": 1, "interval_max": 2}
        return super().ensure_connection(*args, **(often | options))  # type: ignore[no-untyped-call]


class NearbyAMQP(AMQP):
    """What the app makes connections by."""

    Connection = NearbyConnection


app = Celery("fiu", amqp="fiu.celery:NearbyAMQP")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery leaves logging alone when somebody answers this: the settings configure it."""


@worker_init.connect
def work_for_the_installation(**_: Any) -> None:
    """A worker has no request: what it does is the installation's own work."""
    let_process_act_as_system()


@worker_ready.connect
def watch_the_pool(sender: Any, **_: Any) -> None:
    """A pool whose processes wait for a lock that died with another takes nothing any more."""
    from fiu.pool import distrust_after_a_kill  # noqa: PLC0415  # of workers alone

    distrust_after_a_kill(sender.pool)


@worker_shutting_down.connect
def give_runs_back(**_: Any) -> None:
    """SIGTERM: runs save, go back to the queue and keep their try (J6)."""
    ask_to_stop()
