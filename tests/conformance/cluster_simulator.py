"""A small deployment under load with its metrics server and its autoscaler, second by second.

Written from the autoscaler's documentation and source, on its own: the judge's arithmetic
is not used. `defect` makes the autoscaler wrong in one way.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from math import ceil
from typing import Literal

from tests.conformance.generator import Story

Defect = Literal[
    "",
    "off by one",
    "stuck",
    "ignores the maximum",
    "ignores the policy",
    "ignores the window",
    "no tolerance",
    "late",
]

STEP = 0.1
REQUEST_M = 100
TARGET = 50
SYNC = 15.0
SCRAPE = 10.0


@dataclass
class SimPod:
    name: str
    born: float
    runs: float
    ready: float
    gone: bool = False
    used: float = 0.0  # millicore-seconds since the last scrape
    scraped: int = 0
    sample: tuple[int, float, int] | None = None  # whole-second time, window, millicores
    told_running: bool = False
    told_ready: bool = False


@dataclass
class Simulation:
    """`demand` is what all clients together ask of the pods, in millicores, from 0 on.

    `metrics` is how many metrics the autoscaler is said to have, `request_m` what the pods are
    said to request; after `last_scrape` the metrics server serves what it has.
    """

    seed: int
    demand: float
    window: int = 0
    maximum: int = 10
    policy: int = 100
    until: float = 100.0
    metrics: int = 1
    request_m: int | None = REQUEST_M
    last_scrape: float = math.inf
    defect: Defect = ""
    story: Story = field(default_factory=Story)

    def run(self) -> Story:
        chance = random.Random(self.seed)
        self.pods = [
            SimPod(f"web-{n}", -600, -599, -590, told_running=True, told_ready=True) for n in (1, 2, 3)
        ]
        self.wanted = 3
        self.recommended: list[tuple[float, int]] = []
        self.grown: list[tuple[float, int]] = []
        self.first_more: float | None = None
        behavior = {
            "scaleUp": {
                "stabilizationWindowSeconds": self.window,
                "policies": [{"type": "Percent", "value": self.policy, "periodSeconds": 30}],
            },
            "scaleDown": {"stabilizationWindowSeconds": 300, "policies": []},
        }
        self.story.deployment(-60, 3).hpa(-60, maximum=self.maximum, behavior=behavior, metrics=self.metrics)
        for pod in self.pods:
            self.story.pod(
                -60, pod.name, change="LISTED", request_m=self.request_m, started=-600, ready_since=-590
            )
        scrape = -55 + chance.uniform(0, SCRAPE)
        poll = -50 + chance.uniform(0, 1)
        sync = -45 + chance.uniform(0, SYNC)
        seen: dict[str, tuple[int, float, int]] = {}
        now = -55.0
        while now < self.until:
            self.work(now)
            if scrape <= now <= self.last_scrape:
                self.scrape(now)
                scrape += SCRAPE
            if now >= poll:
                fresh = {p.name: p.sample for p in self.pods if p.sample and seen.get(p.name) != p.sample}
                for name, sample in fresh.items():
                    seen[name] = sample
                    self.story.metrics(now, {name: sample[2]}, age=now - sample[0], window_s=sample[1])
                poll += 1
            if now >= sync:
                self.look(now, chance)
                sync += SYNC + 0.05
            self.live(now, chance)
            now = round(now + STEP, 3)
        self.story.end(self.until)
        return self.story

    def work(self, now: float) -> None:
        serving = [pod for pod in self.pods if pod.ready <= now]
        load = self.demand if now >= 0 else 3.0
        for pod in serving:
            pod.used += min(300.0, load / len(serving)) * STEP

    def scrape(self, now: float) -> None:
        """The metrics server needs two scrapes of a pod before it has a rate."""
        for pod in self.pods:
            if pod.runs <= now:
                pod.scraped += 1
                if pod.scraped > 1 or pod.born < -60:
                    pod.sample = (int(now // 1), SCRAPE, ceil(pod.used / SCRAPE))
                pod.used = 0.0

    def live(self, now: float, chance: random.Random) -> None:
        while len(self.pods) < self.wanted:
            name = f"web-{len(self.pods) + 1}"
            runs = now + chance.uniform(0.5, 1.5)
            self.pods.append(SimPod(name, now, runs, runs + chance.uniform(0.5, 2.5)))
            self.story.pod(
                now, name, change="ADDED", phase="Pending", ready=None, started=None, ready_since=None
            )
        for pod in self.pods:
            if not pod.told_running and now >= pod.runs:
                pod.told_running = True
                self.story.pod(now, pod.name, ready=False, started=pod.born, ready_since=pod.born)
            if not pod.told_ready and now >= pod.ready:
                pod.told_ready = True
                self.story.pod(now, pod.name, ready=True, started=pod.born, ready_since=pod.ready)

    def look(self, now: float, chance: random.Random) -> None:
        """One round of the autoscaler."""
        want = self.formula(now)
        if want is None or self.defect == "stuck":
            return
        size = self.limited(
            now, self.stable(now, want + (self.defect == "off by one" and want > self.wanted))
        )
        if size > self.wanted and not self.dawdles(now):
            self.grown.append((now, size - self.wanted))
            self.wanted = size
            self.story.deployment(now + chance.uniform(0.01, 0.08), size, change="MODIFIED")

    def stable(self, now: float, want: int) -> int:
        """The lowest recommendation of the window."""
        inside = [size for when, size in self.recommended if now - when < self.window]
        self.recommended.append((now, want))
        lowest = want if self.defect == "ignores the window" else min([want, *inside])
        return max(self.wanted, lowest)

    def limited(self, now: float, size: int) -> int:
        """Policy and maximum."""
        recent = sum(added for when, added in self.grown if now - when < 30)
        if self.defect != "ignores the policy":
            size = min(size, max(self.wanted, ceil((self.wanted - recent) * (1 + self.policy / 100))))
        return size if self.defect == "ignores the maximum" else min(size, self.maximum)

    def dawdles(self, now: float) -> bool:
        """The late one waits for 45 s."""
        self.first_more = now if self.first_more is None else self.first_more
        return self.defect == "late" and now - self.first_more < 45

    def formula(self, now: float) -> int | None:
        """The documented rule: usage of the pods that count, the others assumed idle on the way up."""
        counted = [pod.sample[2] for pod in self.pods if pod.sample and self.counts(pod, now)]
        idle = len(self.pods) - len(counted)
        if not counted:
            return None
        slack = 1e-9 if self.defect == "no tolerance" else 0.1 + 1e-9
        first = sum(counted) * 100 // (len(counted) * REQUEST_M) / TARGET
        if not idle:
            return self.wanted if abs(first - 1) <= slack else ceil(first * len(counted))
        second = sum(counted) * 100 // (len(self.pods) * REQUEST_M) / TARGET
        if first <= 1 or second <= 1 + slack:
            return self.wanted  # with idle pods, scaling down is not simulated
        return max(self.wanted, ceil(second * len(self.pods)))

    @staticmethod
    def counts(pod: SimPod, now: float) -> bool:
        """Whether the autoscaler takes the pod's sample."""
        if pod.runs > now or pod.sample is None:
            return False
        young = int(pod.born // 1) + 300 > now
        whole_window = pod.sample[0] >= int(pod.ready // 1) + pod.sample[1]
        return not young or (pod.ready <= now and whole_window)
