import re

import pytest

from aftershock.collect.run import new_run, slugs
from aftershock.errors import ConfigError
from aftershock.testing import FakeClock


def test_a_run_is_named_by_its_time_and_makes_nothing(tmp_path):
    run = new_run(tmp_path / "reports", clock=FakeClock())

    assert re.fullmatch(r"20260101T000000Z-[0-9a-f]{4}", run.id)
    assert run.folder == tmp_path / "reports" / run.id
    assert not run.folder.exists()


def test_a_given_id_is_used_once(tmp_path):
    run = new_run(tmp_path, run_id="nightly-7")
    run.folder.mkdir()

    with pytest.raises(ConfigError, match="was used before"):
        new_run(tmp_path, run_id="nightly-7")


@pytest.mark.parametrize("run_id", ["", "..", "a/b", "-x", "x" * 64, "a b"])
def test_an_id_that_cannot_name_a_folder_is_refused(tmp_path, run_id):
    with pytest.raises(ConfigError, match="cannot name a run"):
        new_run(tmp_path, run_id=run_id)


def test_slugs_are_readable_short_and_all_different():
    names = ["A reviews pod: OOM!", "a reviews pod oom", "A-reviews pod (OOM)", "Größe", "日本", "x" * 200]

    assert slugs(names) == [
        "a-reviews-pod-oom",
        "a-reviews-pod-oom-2",
        "a-reviews-pod-oom-3",
        "groe",
        "scenario",
        "x" * 80,
    ]


def test_a_slug_never_takes_a_later_ones_place():
    result = slugs(["a 2", "a", "a", "a"])

    assert len(set(result)) == 4
