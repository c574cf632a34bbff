"""How soon an HPA acts."""

from __future__ import annotations

from aftershock.forecast.beat import Bounds
from aftershock.forecast.scaling import HpaPace, scales_up


def test_intervals_add_up() -> None:
    pace = HpaPace(name="demo/web", sync_s=15.0, resolution_s=10.0)
    assert scales_up(pace) == Bounds(earliest_s=0.0, latest_s=15 + 20 + 30)


def test_stabilisation_delays_both_ends() -> None:
    pace = HpaPace(name="demo/web", sync_s=15.0, resolution_s=10.0, stabilisation_up_s=60.0)
    assert scales_up(pace) == Bounds(earliest_s=45.0, latest_s=125.0)


def test_what_could_not_be_read_leaves_no_latest() -> None:
    assert scales_up(HpaPace(name="x", sync_s=15.0, stabilisation_up_s=60.0)) == Bounds(earliest_s=45.0)
    assert scales_up(HpaPace(name="x", resolution_s=10.0)).latest_s is None


def test_what_it_is_made_of() -> None:
    pace = HpaPace(name="x", sync_s=15.0, resolution_s=10.0, stabilisation_up_s=30.0)
    assert pace.made_of() == (
        "CPU measured every 15 s at most, metrics-server every 10 s, the HPA looks every 15 s, "
        "scale-up is stabilised for 30 s"
    )
