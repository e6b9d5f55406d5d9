"""One browser for all tests of pages."""

from __future__ import annotations

import pytest

from tests.browser import browser
from tests.plotting.pages import Screen


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    pytest.importorskip("selenium")
    with browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def screen(driver):
    yield Screen(driver)
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
