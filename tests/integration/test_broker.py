"""The folder broker: whole messages, and garbage that stops nobody."""

import threading
from pathlib import Path

import pytest
from kombu import Connection
from kombu.exceptions import OperationalError

from fiu import broker
from fiu.celery import app

# Each test has a queue name of its own: kombu remembers bindings for the whole process.
NUM_MESSAGES = 300


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    broker.install()
    (tmp_path / "queue").mkdir()
    return Connection(
        "filesystem://",
        transport="fiu.broker:Transport",
        transport_options={
            "data_folder_in": str(tmp_path / "queue"),
            "data_folder_out": str(tmp_path / "queue"),
            "control_folder": str(tmp_path / "control"),
            "polling_interval": 0.01,
        },
    )


def test_messages_written_while_they_are_read_arrive_whole(connection: Connection) -> None:
    """Kombu's own channel loses this race within seconds and its consumer ends."""

    def write(start: int) -> None:
        with connection.clone() as own, own.SimpleQueue("casework") as queue:
            for number in range(start, start + NUM_MESSAGES):
                queue.put({"number": number})

    writers = [threading.Thread(target=write, args=(n * NUM_MESSAGES,)) for n in range(2)]
    with connection as own, own.SimpleQueue("casework") as queue:
        for writer in writers:
            writer.start()
        got = set()
        while len(got) < 2 * NUM_MESSAGES:
            message = queue.get(timeout=20)
            got.add(message.payload["number"])
            message.ack()
    for writer in writers:
        writer.join()
    assert got == set(range(2 * NUM_MESSAGES))


def test_an_unreadable_message_is_dropped_and_the_next_one_arrives(
    connection: Connection, tmp_path: Path
) -> None:
    (tmp_path / "queue" / "1_torn.torn.msg").write_bytes(b"")
    with connection as own, own.SimpleQueue("torn") as queue:
        queue.put({"number": 1})
        assert queue.get(timeout=10).payload == {"number": 1}


def test_a_broker_that_is_away_is_asked_again_every_two_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", waits.append)
    connection = app.connection_for_read(url="redis://127.0.0.1:9/0")
    with pytest.raises(OperationalError):
        connection.ensure_connection(max_retries=5)
    assert 0 < sum(waits) <= 2 * 5  # Celery's own waits grow to half a minute
