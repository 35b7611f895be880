"""The training side of docs/faults.py, each fault a few times."""

import pytest

from tests.helpers.faults import captures, disk, fault, files, killed, processes, signals, stalled


@pytest.mark.parametrize(("each", "number"), fault.parameters(signals))
def test_signals(each, number, tmp_path):
    fault.do(each, number, tmp_path)


@pytest.mark.parametrize(("each", "number"), fault.parameters(killed))
def test_killed(each, number, tmp_path):
    fault.do(each, number, tmp_path)


@pytest.mark.parametrize(("each", "number"), fault.parameters(disk, stalled))
def test_disk(each, number, tmp_path):
    fault.do(each, number, tmp_path)


@pytest.mark.parametrize(("each", "number"), fault.parameters(captures))
def test_captures(each, number, tmp_path):
    fault.do(each, number, tmp_path)


@pytest.mark.parametrize(("each", "number"), fault.parameters(files, processes))
def test_files_and_processes(each, number, tmp_path):
    fault.do(each, number, tmp_path)
