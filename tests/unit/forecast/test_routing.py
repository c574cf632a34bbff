"""Who is told, and after how long."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from aftershock.forecast.routing import Notify, UndecidedError, routes

TREE = """
route:
  receiver: default
  group_wait: 10s
  group_interval: 1m
  routes:
    - receiver: loops
      matchers: ['alertname="PodCrashLooping"']
      continue: true
    - receiver: critical
      matchers: ['severity="critical"']
      group_wait: 5s
      repeat_interval: 30m
      routes:
        - receiver: pager
          match: {team: sre}
    - receiver: warning
      match_re: {severity: warn.*}
      group_wait: 30s
"""


def told(**labels: str) -> list[tuple[str, float]]:
    config: dict[str, Any] = yaml.safe_load(TREE)
    return [(notify.receiver, notify.group_wait_s) for notify in routes(config, labels)]


def test_the_first_match_wins_and_inherits() -> None:
    (found,) = routes(yaml.safe_load(TREE), {"alertname": "A", "severity": "critical", "team": "web"})
    assert found == Notify(receiver="critical", group_wait_s=5, group_interval_s=60, repeat_s=1800)


def test_a_child_wins_over_its_parent() -> None:
    assert told(alertname="A", severity="critical", team="sre") == [("pager", 5)]


def test_continue_goes_on() -> None:
    assert told(alertname="PodCrashLooping", severity="warning") == [("loops", 10), ("warning", 30)]


def test_what_nobody_takes_is_the_roots() -> None:
    assert told(alertname="A", severity="info") == [("default", 10)]


def test_alertmanagers_own_times_hold_where_none_is_set() -> None:
    assert routes({"route": {"receiver": "x"}}, {}) == (Notify(receiver="x"),)
    assert Notify(receiver="x").group_wait_s == 30


def test_a_label_of_which_nothing_is_known_is_not_guessed() -> None:
    with pytest.raises(UndecidedError, match="severity"):
        told(alertname="A")


@pytest.mark.parametrize(
    ("matcher", "matches"),
    [
        ('severity!="critical"', True),
        ("severity=~warn.+", True),
        ('severity=~"warn"', False),
        ('severity!~"warn.*"', False),
        ("severity = warning", True),
    ],
)
def test_matchers(matcher: str, matches: bool) -> None:
    config = {"route": {"receiver": "d", "routes": [{"receiver": "x", "matchers": [matcher]}]}}
    assert (routes(config, {"severity": "warning"})[0].receiver == "x") is matches


def test_what_is_no_matcher_is_an_error() -> None:
    with pytest.raises(ValueError, match="no matcher"):
        routes({"route": {"receiver": "d", "routes": [{"matchers": ["nonsense"]}]}}, {})
