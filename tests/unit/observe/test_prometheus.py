"""The wrapper: emptiness, NaN, staleness, warnings and errors stay apart."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import aftershock
from aftershock.cluster.connection import Endpoint
from aftershock.errors import QueryError, TransientError
from aftershock.observe.prometheus import Prometheus
from aftershock.testing import FakeClock
from tests.unit.observe.server import Answer, serving

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
T = NOON.timestamp()


def vector(*results: tuple[dict[str, str], str], warnings: list[str] | None = None) -> dict[str, Any]:
    found = [{"metric": labels, "value": [T, value]} for labels, value in results]
    return data("vector", found, warnings=warnings)


def matrix(*results: tuple[dict[str, str], list[tuple[float, str]]]) -> dict[str, Any]:
    return data("matrix", [{"metric": labels, "values": values} for labels, values in results])


def data(kind: str, result: Any, *, warnings: list[str] | None = None) -> dict[str, Any]:
    more = {"warnings": warnings} if warnings else {}
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def asked(answer: Answer, call: str, *args: Any, **options: Any) -> Any:
    with serving(lambda path, query: answer) as server:
        return getattr(Prometheus(Endpoint(url=server.url)), call)(*args, **options)


def test_vector_scalar_and_empty() -> None:
    (sample,) = asked((200, vector(({"job": "a"}, "1.5"))), "query", "up")
    assert (sample.labels, sample.value, sample.at) == ({"job": "a"}, 1.5, NOON)
    (scalar,) = asked((200, data("scalar", [T, "3"])), "query", "scalar(x)")
    assert (scalar.labels, scalar.value) == ({}, 3.0)
    assert asked((200, vector()), "query", "nothing") == []


def test_nan_is_a_value() -> None:
    (sample,) = asked((200, vector(({}, "NaN"))), "query", "0/0")
    assert math.isnan(sample.value)


def test_time_is_given_to_the_millisecond() -> None:
    with serving(lambda path, query: (200, vector())) as server:
        Prometheus(Endpoint(url=server.url)).query("up", at=NOON.replace(microsecond=123456))
        assert server.asked == [("/api/v1/query", {"query": "up", "time": f"{T + 0.123:.3f}"})]


def test_refusal_carries_prometheus_message() -> None:
    with pytest.raises(QueryError, match="parse error") as caught:
        asked((400, {"status": "error", "error": "parse error: unexpected )"}), "query", "up)")
    assert caught.value.status == 400


@pytest.mark.parametrize("status", [429, 500, 503])
def test_overload_is_transient_and_not_tried_again_behind_our_back(status: int) -> None:
    with serving(lambda path, query: (status, {"error": "busy"})) as server:
        with pytest.raises(TransientError, match="busy"):
            Prometheus(Endpoint(url=server.url)).query("up")
        assert len(server.asked) == 1


def test_nobody_there_is_transient() -> None:
    with serving(lambda path, query: (200, {})) as server:
        url = server.url
    prometheus = Prometheus(Endpoint(url=url), timeout_s=1.0)
    with pytest.raises(TransientError, match="does not answer"):
        prometheus.query("up")
    with pytest.raises(TransientError, match="does not answer"):
        prometheus.rules()
    assert prometheus.ready() is False


def test_answer_that_is_no_json_is_an_error() -> None:
    with pytest.raises(QueryError, match="like a Prometheus"):
        asked((200, b"<html>login</html>"), "query", "up")


def test_warnings_are_kept_once() -> None:
    with serving(lambda path, query: (200, vector(warnings=["remote read failed"]))) as server:
        prometheus = Prometheus(Endpoint(url=server.url))
        prometheus.query("up")
        prometheus.query("up")
        assert prometheus.warnings == ["remote read failed"]


def test_headers_of_the_endpoint_are_sent() -> None:
    with serving(lambda path, query: (200, vector())) as server:
        Prometheus(Endpoint(url=server.url + "/", headers={"X-Scope": "team"})).query("up")
        assert server.headers[0]["X-Scope"] == "team"
        assert server.asked[0][0] == "/api/v1/query"


def test_ready() -> None:
    assert asked((200, b"Prometheus is Ready.\n"), "ready") is True
    assert asked((503, b"Service Unavailable"), "ready") is False


def test_raw_samples_by_a_range_selector() -> None:
    start = NOON.replace(hour=11, minute=58)
    answer = (200, matrix(({"alertname": "A"}, [(T - 10.001, "1"), (T - 5.001, "1")])))
    with serving(lambda path, query: answer) as server:
        (series,) = Prometheus(Endpoint(url=server.url)).samples("ALERTS", start=start, end=NOON)
        assert server.asked[0][1]["query"] == "ALERTS[120001ms]"
    assert series.samples == ((T - 10.001, 1.0), (T - 5.001, 1.0))


def test_stale_nan_and_ok_are_told_apart() -> None:
    answer = (
        200,
        matrix(
            ({"n": "ok"}, [(T - 20, "NaN"), (T - 3, "4")]),
            ({"n": "nan"}, [(T - 3, "NaN")]),
            ({"n": "stale"}, [(T - 200, "4")]),
        ),
    )
    readings = asked(answer, "latest", "x", max_age_s=15, at=NOON)
    assert [(reading.labels["n"], reading.state) for reading in readings] == [
        ("ok", "ok"),
        ("nan", "nan"),
        ("stale", "stale"),
    ]


def test_the_three_other_endpoints() -> None:
    answers = {
        "/api/v1/alerts": {"alerts": [{"state": "firing"}]},
        "/api/v1/rules": {"groups": [{"name": "g"}]},
        "/api/v1/targets": {"activeTargets": [{"health": "up"}]},
    }
    with serving(lambda path, query: (200, {"status": "success", "data": answers[path]})) as server:
        prometheus = Prometheus(Endpoint(url=server.url))
        assert prometheus.alerts() == [{"state": "firing"}]
        assert prometheus.rules() == [{"name": "g"}]
        assert prometheus.targets() == [{"health": "up"}]
        assert server.asked[-1][1] == {"state": "active"}


def test_clock_offset_is_bounded_by_the_round_trip() -> None:
    clock = FakeClock(NOON)

    def answer(path: str, query: dict[str, str]) -> Answer:
        clock.sleep(0.2)
        return 200, data("scalar", [T, str(T + 1.1)])

    with serving(answer) as server:
        offset, error = Prometheus(Endpoint(url=server.url), clock=clock).clock_offset()
    assert offset == pytest.approx(1.0)
    assert error == pytest.approx(0.1)


def test_there_is_no_second_prometheus_client() -> None:
    """Only the wrapper imports the client, and nobody else asks Prometheus' query API."""
    root = Path(aftershock.__file__).parent
    mine = root / "observe" / "prometheus.py"
    others = [path for path in root.rglob("*.py") if path != mine]
    pattern = re.compile(r"prometheus_api_client|api/v1/(query|rules|targets|series)")
    assert [path.name for path in others if pattern.search(path.read_text(encoding="utf-8"))] == []


def test_who_declares_a_metric() -> None:
    answer = {
        "status": "success",
        "data": [{"target": {"job": "ksm"}, "type": "gauge", "help": "", "unit": ""}],
    }
    with serving(lambda path, query: (200, answer)) as server:
        assert Prometheus(Endpoint(url=server.url)).exposed_by("oom") == [{"job": "ksm"}]
        assert server.asked == [("/api/v1/targets/metadata", {"metric": "oom"})]
