"""What the integration tests share."""

import pytest

from cases.exports import pdf
from tests.demo_ledger import DemoLedger, make_demo_ledger


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoLedger:
    """The demo world at demo scale, loaded by the ordinary import."""
    return make_demo_ledger(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def no_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Releases without their report in print, which takes a second for each copy."""
    monkeypatch.setattr(pdf, "is_available", lambda: False)
