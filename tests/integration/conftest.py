"""What the integration tests share."""

import pytest

from tests.demo_ledger import DemoLedger, make_demo_ledger


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoLedger:
    """The demo world at demo scale, loaded by the ordinary import."""
    return make_demo_ledger(tmp_path_factory.mktemp("demo"))
