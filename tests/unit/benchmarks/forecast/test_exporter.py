from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from benchmarks.forecast.exporter import Signals, serve

NS = 10**9


def samples(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.split() for line in lines)}


def test_signals_change_when_they_are_flipped_and_a_new_series_begins_then() -> None:
    now_ns = 100 * NS
    signals = Signals({"g": "gauge", "c": "counter", "n": "new-counter"}, now_ns=lambda: now_ns)
    assert samples(signals.text()) == {"g": 0, "c": 0}
    assert "# TYPE n counter" in signals.text()  # so that it is known who will expose it

    for name in ("g", "c", "n"):
        assert signals.flip(name) == 100 * NS
    assert samples(signals.text()) == {"g": 1, "c": 1, "n": 1}
    now_ns = 102 * NS
    assert samples(signals.text()) == {"g": 1, "c": 21, "n": 21}


def test_a_second_flip_changes_nothing() -> None:
    now_ns = 100 * NS
    signals = Signals({"g": "gauge"}, now_ns=lambda: now_ns)
    signals.flip("g")
    now_ns = 105 * NS
    assert signals.flip("g") == 100 * NS


@contextmanager
def served(prompt: Signals, slow: Signals, *, takes_s: float = 0.0) -> Iterator[tuple[str, str]]:
    servers = serve(prompt, slow, host="127.0.0.1", ports=(0, 0), takes_s=takes_s)
    try:
        first, second = (f"http://127.0.0.1:{server.server_address[1]}" for server in servers)
        yield first, second
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def test_signals_of_both_ports_are_flipped_at_the_prompt_one() -> None:
    prompt, slow = Signals({"a": "gauge"}, now_ns=lambda: 7), Signals({"b": "gauge"}, now_ns=lambda: 9)
    with served(prompt, slow) as (first, second):
        assert requests.post(f"{first}/flip/b", timeout=5).json() == {"at_ns": 9}
        assert requests.post(f"{first}/flip/other", timeout=5).status_code == 404
        assert samples(requests.get(f"{first}/metrics", timeout=5).text) == {"a": 0}
        assert samples(requests.get(f"{second}/metrics", timeout=5).text) == {"b": 1}


def test_the_slow_port_answers_what_was_so_when_it_was_asked() -> None:
    asked, flipped = threading.Event(), threading.Event()

    class Told(Signals):
        def text(self) -> str:
            text = super().text()
            asked.set()
            flipped.wait(5)  # it changes while the answer is on its way
            return text

    slow = Told({"b": "gauge"}, now_ns=lambda: 9)
    with served(Signals({}), slow) as (first, second):
        answers: list[str] = []
        scrape = threading.Thread(
            target=lambda: answers.append(requests.get(f"{second}/metrics", timeout=10).text)
        )
        scrape.start()
        assert asked.wait(5)
        requests.post(f"{first}/flip/b", timeout=5)
        flipped.set()
        scrape.join(10)
    assert samples(answers[0]) == {"b": 0}
