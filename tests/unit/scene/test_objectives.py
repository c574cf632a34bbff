from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.errors import FeatureError
from aftershock.scene.objectives import availability_of

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("service", ["nginx-web", "productpage", "sample-app"])
def test_the_stacks_services_have_one(service: str) -> None:
    objective = availability_of(service, root=ROOT)
    assert (objective.service, objective.target, objective.window_s) == (service, 0.999, 30 * 86400)


def test_one_that_has_none_is_refused_with_those_that_have() -> None:
    with pytest.raises(FeatureError, match="ledger") as error:
        availability_of("ledger", root=ROOT)
    assert "nginx-web" in str(error.value)


def test_without_files_it_says_where_they_belong(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match="slo"):
        availability_of("nginx-web", root=tmp_path)
