"""Whether images are pulled or built: what registries answer decides."""

from __future__ import annotations

import pytest

from aftershock.cluster.kind import registry
from aftershock.cluster.kind.registry import choose_mode
from aftershock.errors import EnvironmentUnusableError
from tests.unit.observe.server import serving

NOBODY = "127.0.0.1:9"


@pytest.mark.parametrize("status", [200, 401])
def test_a_registry_that_answers(status: int) -> None:
    with serving(lambda path, query: (status, {})) as server:
        mirror = server.url.removeprefix("http://")
        assert choose_mode("auto", registry=mirror) == ("pull", f"{mirror} answered")
    assert server.asked == [("/v2/", {})]


def test_nobody_answers_so_we_build() -> None:
    mode, why = choose_mode("auto", registry=NOBODY)
    assert (mode, why) == ("build", f"no container registry: {NOBODY} does not answer (ConnectionError)")


def test_something_else_answers() -> None:
    with serving(lambda path, query: (503, {})) as server:
        mode, why = choose_mode("auto", registry=server.url.removeprefix("http://"))
    assert mode == "build"
    assert "answers 503" in why


def test_pulling_was_asked_for_and_cannot_be() -> None:
    with pytest.raises(EnvironmentUnusableError, match="cannot be pulled") as caught:
        choose_mode("pull", registry=NOBODY)
    assert NOBODY in caught.value.expected
    assert "--images build" in caught.value.hint


def test_one_silent_official_host_is_enough_to_build(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda path, query: (200, {})) as server:
        monkeypatch.setattr(registry, "_HOSTS", (server.url.removeprefix("http://"), NOBODY))
        assert choose_mode("auto")[0] == "build"
