"""A setting's plan: whether it disturbs pods."""

from __future__ import annotations

import pytest

from aftershock.faults.setting import Setting
from aftershock.faults.tools import tools
from aftershock.testing.kube import FakeApi


@pytest.mark.parametrize(
    ("at", "disturbs"),
    [
        (("metadata", "annotations", "example.org/off"), False),
        (("spec", "template", "metadata", "labels", "tier"), True),
    ],
)
def test_an_annotation_disturbs_no_pod(at: tuple[str, ...], disturbs: bool) -> None:
    api = FakeApi()
    meta = {"name": "web", "namespace": "demo", "uid": "u"}
    api.add("/apis/apps/v1/namespaces/demo/deployments", {"metadata": meta, "spec": {}})
    plan = Setting(tools(api), "deployment/demo/web", {at: "true"}).plan()
    assert plan.disturbs is disturbs
