"""One browser for all tests of pages."""

from __future__ import annotations

import pytest

from tests.browser import browser


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    pytest.importorskip("selenium")
    with browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started
