"""Sites that the tests of a worker share: they leave nothing behind in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.chromium import Chromium

from .site import Site

LOG_TAIL = 100


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: drives a real browser (Chromium)")


@pytest.fixture(scope="session")
def by_request(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("request"), EVIDENCE_ROUTING="request") as site:
        yield site


@pytest.fixture(scope="session")
def by_connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("connection"), EVIDENCE_ROUTING="connection") as site:
        yield site


@pytest.fixture(params=["request", "connection"])
def either(request: pytest.FixtureRequest) -> Site:
    """The test runs in each of the two modes."""
    site = request.getfixturevalue(f"by_{request.param}")
    assert isinstance(site, Site)
    return site


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="session")
def chromium_h1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("chromium-h1"), "--disable-http2") as browser:
        yield browser


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With a failure, the log of the shared product, which the test's own folder does not have."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when != "call" or not report.failed:
        return
    for value in getattr(item, "funcargs", {}).values():
        if isinstance(value, Site):
            tail = value.ingress.log.splitlines()[-LOG_TAIL:]
            report.sections.append(("the product's log", "\n".join(tail)))
