from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from aftershock.exposition import exposition, serve_active
from aftershock.faults.journal import Record


def record(number: int, fault: str = "pod-kill") -> Record:
    return Record(
        run_id="run-1",
        fault_id=f"{fault}-{number}",
        fault=fault,
        state="injected",
        target=[],
        undo={},
        expires_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def series(text: str) -> dict[str, str]:
    [family] = text_string_to_metric_families(text)
    assert family.name == "aftershock_fault_active"
    assert all(sample.value == 1 for sample in family.samples)
    return {sample.labels["fault_id"]: sample.labels["fault"] for sample in family.samples}


def test_each_fault_is_a_series() -> None:
    assert series(exposition([record(2), record(1, "node-drain")])) == {
        "pod-kill-2": "pod-kill",
        "node-drain-1": "node-drain",
    }


def test_without_faults_there_is_no_series_but_the_metric_is_declared() -> None:
    assert series(exposition([])) == {}


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "a\\nb"])
def test_a_strange_name_is_read_back_as_it_was(name: str) -> None:
    assert series(exposition([record(1, name)])) == {f"{name}-1": name}


def test_it_is_served_as_it_is_when_asked() -> None:
    active = [record(1)]
    server = serve_active(lambda: active, port=0)
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        assert series(requests.get(f"{url}/metrics", timeout=5).text) == {"pod-kill-1": "pod-kill"}
        active.clear()
        answer = requests.get(f"{url}/metrics", timeout=5)
        assert series(answer.text) == {}
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert requests.get(url, timeout=5).status_code == 404
    finally:
        server.shutdown()
        server.server_close()
