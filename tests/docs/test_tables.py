"""The guide's tables hold all kinds, architectures and faults, and every cell was run."""

import json

from benchmarks import __main__ as benchmarks
from docs import applications, faults, kinds
from tests.helpers.model_kinds import KINDS


def test_every_kind_was_run_on_every_backend_with_every_technique():
    results = json.loads(kinds.RESULTS.read_text())
    assert set(results) == set(kinds.BACKENDS)
    for backend, found in results.items():
        assert set(found) == {key for key, kind in KINDS.items() if backend not in kind.not_on}
        for cells in found.values():
            assert set(cells) == set(kinds.CALLBACKS)
            assert set(cells.values()) <= {"drawn", "refused"}
    written = (kinds.HERE / "kinds_table.md").read_text(encoding="utf-8")
    assert written == kinds.table(results)


def test_the_table_of_architectures_is_of_those_that_were_run():
    results = json.loads(applications.RESULTS.read_text())
    assert set(results) <= set(applications.architectures())
    written = (applications.HERE / "applications_table.md").read_text(encoding="utf-8")
    # The last line names the backend and the version of that run; ours may differ.
    rows, _, summary = written.rpartition("\n\n")
    assert rows == applications.table(results).rpartition("\n\n")[0]
    assert summary.startswith(f"{len(results)} architectures, Keras ")
    for result in results.values():
        assert result["activations"] >= result["filters"] >= 1
        assert result["grad_cam"] == 1


def test_every_fault_was_done_as_often_as_it_is_to_be():
    results = json.loads(faults.RESULTS.read_text())
    everything = {
        each.run.__name__: each for side in faults.MODULES for each in faults.faults(side)
    }
    assert {"tensorflow"} <= set(results) <= set(faults.BACKENDS)
    assert set(results["tensorflow"]) - {"machine"} == set(everything)
    for backend, found in results.items():
        assert set(found) - {"machine"} <= set(everything), backend
        for name, result in found.items():
            if name != "machine" and "cannot" not in result:
                assert result["done"] == everything[name].times, (backend, name)
                assert result["held"] == result["done"], (backend, name)
    written = (faults.HERE / "faults_table.md").read_text(encoding="utf-8")
    assert written == faults.table(results)


def test_the_table_of_benchmarks_is_of_what_was_measured():
    results = json.loads(benchmarks.RESULTS.read_text())
    assert set(results) <= set(benchmarks.BACKENDS)
    for backend, found in results.items():
        assert found["machine"], backend
        assert set(found["rows"]) <= set(benchmarks.TITLES)
        assert all(found["rows"].values())
    assert benchmarks.TABLE.read_text(encoding="utf-8") == benchmarks.text(results)
