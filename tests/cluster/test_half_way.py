"""A scenario that fails in the middle of a drain still gives the node back."""

from __future__ import annotations

from aftershock.cluster.api import KubeApi
from aftershock.faults.journal import Journal
from aftershock.timeline import read_timeline
from tests.cluster.conftest import Project, closed_nodes

# No rollback of its own: what opens the node is the scenario's undo.
EXPERIMENT = """
title: A drain, and then something breaks
description: The second action fails while the node is cordoned.
steady-state-hypothesis:
  title: nginx-web answers
  probes:
    - name: nginx-web answers 200
      type: probe
      tolerance: 200
      provider:
        type: python
        module: aftershock.chaostoolkit
        func: service_answers
        arguments: {url: "http://127.0.0.1:30080/"}
method:
  - name: drain the worker
    type: action
    provider:
      type: python
      module: aftershock.chaostoolkit
      func: drain_worker
      arguments: {workload: nginx-web, namespace: demo}
  - name: break
    type: action
    provider:
      type: python
      module: aftershock.chaostoolkit
      func: drain_worker
      arguments: {workload: nobody-of-that-name, namespace: demo}
"""

FEATURE = """
@maintenance
Feature: Half-way

  Scenario: It fails while the node is closed
    Given every workload of demo is steady
    When the experiment half-way runs
    Then the drained node was emptied
"""


def test_the_node_is_schedulable_again(api: KubeApi, project: Project) -> None:
    project.write("experiments/half-way.yaml", EXPERIMENT)
    project.write("features/maintenance/half_way.feature", FEATURE)
    done = project.pytest("features/maintenance/half_way.feature", "--run-id", "half")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 passed" not in done.stdout
    (folder,) = (path.parent for path in project.reports.glob("half/*/timeline.jsonl"))
    kinds = [event.kind for event in read_timeline(folder / "timeline.jsonl").select(source="harness")]
    assert "landed" in kinds, "the node was never drained, so nothing is proven"
    assert closed_nodes(api) == []
    (record,) = Journal(project.reports / "half" / "journal.jsonl").latest()
    assert record.state == "undone"
