"""The tab's side of docs/faults.py, each fault a few times."""

import pytest

from tests.helpers.faults import fault, tab_files, tab_names, tab_requests


@pytest.mark.parametrize(("each", "number"), fault.parameters(tab_files, tab_requests, tab_names))
def test_tab(each, number, tmp_path):
    fault.do(each, number, tmp_path)
