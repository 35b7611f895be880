from __future__ import annotations

import pytest

from tests.helpers import small_log, synthetic_logs


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> synthetic_logs.Log:
    return small_log.write_without_contents(tmp_path_factory.mktemp("small"))
