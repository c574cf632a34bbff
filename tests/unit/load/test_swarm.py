"""Load in the cluster: what is made, what is fetched, whose clock counts, and what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aftershock.cluster.api import Json
from aftershock.cluster.own import JOBS, PODS
from aftershock.errors import ConfigError, EnvironmentUnusableError, UsageError
from aftershock.load.spec import Demand, LoadSpec
from aftershock.load.swarm import Swarm
from aftershock.testing import FakeClock
from aftershock.testing.kube import FakeApi
from aftershock.timeline import Timeline

LOADTESTS = Path(__file__).parents[3] / "loadtests"
AHEAD_S = 500.0
"""By how much our monotonic clock is ahead of the workers'."""


class Cluster(FakeApi):
    """Runs pods for Jobs at once; a worker's log is what the test puts into `written`."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.written: dict[str, str] = {}
        self.room = 9
        self.ask_s = 0.01
        self.on_change = self.run

    def run(self, method: str, path: str) -> None:
        if method != "POST" or not path.startswith(JOBS):
            return
        job = self.objects[path]
        name = job["metadata"]["name"]
        for number in range(min(self.room, job["spec"].get("parallelism", 1))):
            pod: Json = {
                "metadata": {
                    "name": f"{name}-{number}",
                    "namespace": "aftershock",
                    "labels": job["spec"]["template"]["metadata"]["labels"],
                },
                "status": {"phase": "Running", "podIP": "10.0.0.7", "conditions": []},
            }
            self.add_pods(pod)
            self.written.setdefault(f"{name}-{number}", "")

    def text(self, path: str, *, timeout_s: float | None = None, **query: str) -> str:
        pod, _, rest = path.removeprefix(f"{PODS}/").partition(":8088/proxy/")
        if rest == "clock":
            self.clock.sleep(self.ask_s / 2)
            answer = f"0.0\t{self.clock.monotonic() - AHEAD_S:.6f}\n"
            self.clock.sleep(self.ask_s / 2)
            return answer
        if rest.startswith("log?from="):
            return self.written[pod][int(rest.partition("=")[2]) :]
        return self.logs.get(path, "")

    def workers(self) -> list[str]:
        return sorted(name for name in self.written if "-worker-" in name)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cluster(clock: FakeClock) -> Cluster:
    return Cluster(clock)


def swarm(cluster: Cluster, clock: FakeClock, folder: Path, *, workers: int = 2, **more: Any) -> Swarm:
    spec = LoadSpec(
        locustfile=LOADTESTS / "nginx_web.py",
        host="http://10.96.0.9:80/",
        demand=Demand(**{"arrivals": 10, "workers": workers, **more}),
        duration_s=10,
    )
    return Swarm(
        spec,
        api=cluster,
        image=lambda: "aftershock.dev/locust:1",
        folder=folder,
        timeline=Timeline(clock=clock),
        clock=clock,
    )


def flow(cluster: Cluster, clock: FakeClock, *, end: str = "") -> None:
    """Have every worker write its share: a request every 200 ms, from now on, by its own clock."""
    theirs = clock.monotonic() - AHEAD_S
    for number, name in enumerate(cluster.workers() or [f"x-worker-{n}" for n in range(2)]):
        lines = [f"#clocks\t1000.0\t{theirs:.6f}\n", "#model\topen\n", f"#users\t{theirs:.6f}\t2\t0.1\n"]
        for n in range(50):
            due = theirs + number / 10 + n / 5
            lines.append(f"{due:.6f}\t{due:.6f}\t5.000\t200\tpod-{number}\t\n")
        cluster.written[name] = "".join(lines) + end


def started(cluster: Cluster, clock: FakeClock, folder: Path, **more: Any) -> Swarm:
    one = swarm(cluster, clock, folder, **more)
    real = clock.sleep

    def sleep(seconds: float) -> None:
        if cluster.workers() and not any(cluster.written.values()):
            flow(cluster, clock)
        real(seconds)

    clock.sleep = sleep  # type: ignore[method-assign]  # the workers begin while we wait
    one.start()
    clock.sleep = real  # type: ignore[method-assign]  # as before
    return one


def jobs(cluster: Cluster) -> list[str]:
    return sorted(path.rpartition("-")[2] for path in cluster.objects if path.startswith(JOBS))


class TestStart:
    def test_a_master_and_its_workers_with_the_locustfiles(
        self, cluster: Cluster, clock: FakeClock, tmp_path: Path
    ) -> None:
        one = started(cluster, clock, tmp_path)
        assert jobs(cluster) == ["master", "worker"]
        bodies = {body["metadata"]["name"].rpartition("-")[2]: body for _, _, body in cluster.calls if body}
        worker = bodies["worker"]["spec"]
        assert (worker["parallelism"], worker["completions"]) == (2, 2)
        (container,) = worker["template"]["spec"]["containers"]
        assert container["command"][-3:] == ["--worker", "--master-host", "10.0.0.7"]
        told = {variable["name"]: variable["value"] for variable in container["env"]}
        assert told["AFTERSHOCK_LOAD_ARRIVALS"] == "10"
        assert told["AFTERSHOCK_LOAD_WORKERS"] == "2"
        (container,) = bodies["master"]["spec"]["template"]["spec"]["containers"]
        words = container["command"]
        assert words[words.index("--expect-workers") + 1] == words[words.index("-u") + 1] == "2"
        files = next(body for _, path, body in cluster.calls if body and path.endswith("configmaps"))
        assert {"nginx_web.py", "common.py", "arrivals.py", "serving.py"} <= set(files["data"])
        assert files["metadata"]["ownerReferences"][0]["uid"] == f"uid-{one.name}-master"

    def test_everything_ends_by_itself_if_we_vanish(
        self, cluster: Cluster, clock: FakeClock, tmp_path: Path
    ) -> None:
        started(cluster, clock, tmp_path)
        for path in (path for path in cluster.objects if path.startswith(JOBS)):
            spec = cluster.objects[path]["spec"]
            assert spec["template"]["spec"]["activeDeadlineSeconds"] == 10 + 180
            assert spec["ttlSecondsAfterFinished"] <= 60

    def test_no_room_for_all_workers_leaves_nothing(
        self, cluster: Cluster, clock: FakeClock, tmp_path: Path
    ) -> None:
        cluster.room = 1
        one = swarm(cluster, clock, tmp_path, workers=3)
        with pytest.raises(EnvironmentUnusableError, match="waited for 3 workers to run") as caught:
            one.start()
        assert "worker-0: Running" in caught.value.found
        assert jobs(cluster) == []

    def test_a_worker_that_dies_before_it_sends_is_told_at_once(
        self, cluster: Cluster, clock: FakeClock, tmp_path: Path
    ) -> None:
        def run(method: str, path: str) -> None:
            cluster.run(method, path)
            for name in cluster.workers()[:1]:
                cluster.objects[f"{PODS}/{name}"]["status"]["phase"] = "Failed"
                cluster.logs[f"{PODS}/{name}/log"] = "SyntaxError\n"
                cluster.on_change = None

        cluster.on_change = run
        one = swarm(cluster, clock, tmp_path)
        with pytest.raises(EnvironmentUnusableError, match="broke off") as caught:
            one.start()
        assert caught.value.found.endswith("worker-0 ended before its time: SyntaxError")
        assert clock.elapsed < 10
        assert jobs(cluster) == []

    def test_a_demand_out_of_range_touches_nothing(
        self, cluster: Cluster, clock: FakeClock, tmp_path: Path
    ) -> None:
        with pytest.raises(ConfigError):
            swarm(cluster, clock, tmp_path, arrivals=10**6).start()
        assert cluster.calls == []

    def test_waiting_for_what_was_never_started(
        self, cluster: Cluster, clock: FakeClock, tmp_path: Path
    ) -> None:
        one = swarm(cluster, clock, tmp_path)
        assert one.stop() is None
        with pytest.raises(UsageError, match="not started"):
            one.wait()


class TestResults:
    def test_of_all_workers_by_our_clock_with_its_error(
        self, cluster: Cluster, clock: FakeClock, tmp_path: Path
    ) -> None:
        one = started(cluster, clock, tmp_path)
        (begun,) = one.timeline.select(kind="load-started")
        flow_began = float(cluster.written[cluster.workers()[0]].split("\t")[2].split("\n")[0])
        assert begun.mono == pytest.approx(flow_began + AHEAD_S, abs=0.001)
        assert begun.resolution_s == pytest.approx(0.005)
        for name in cluster.workers():
            cluster.written[name] += "#done\n"
        result = one.wait()
        assert (result.requests, result.dropped) == (100, 0)
        assert result.servers == {"pod-0": 50, "pod-1": 50}
        assert len(result.cpu_shares) == 2
        assert result.peak_users == 4
        rows = one.timeline.select(kind="requests")
        assert sum(len(row.data["ms"]) for row in rows) == 100
        assert all(row.resolution_s == pytest.approx(0.005) for row in rows)
        assert one.wait() is result
        assert one.stop() is result
        assert jobs(cluster) == []
        assert len(one.timeline.select(kind="load-ended")) == 1

    def test_a_worker_that_dies_is_told_and_ends_the_wait(
        self, cluster: Cluster, clock: FakeClock, tmp_path: Path
    ) -> None:
        one = started(cluster, clock, tmp_path)
        name = cluster.workers()[0]
        cluster.objects[f"{PODS}/{name}"]["status"]["phase"] = "Failed"
        cluster.logs[f"{PODS}/{name}/log"] = "MemoryError\n"
        one.look()
        one.look()
        (broken,) = one.timeline.select(kind="load-broken")
        assert broken.data["reason"] == f"{name} ended before its time: MemoryError"
        with pytest.raises(EnvironmentUnusableError, match="broke off"):
            one.wait()
        with pytest.raises(EnvironmentUnusableError, match="broke off"):
            one.go_on(1)

    def test_one_that_never_ends(self, cluster: Cluster, clock: FakeClock, tmp_path: Path) -> None:
        one = started(cluster, clock, tmp_path)
        with pytest.raises(EnvironmentUnusableError, match="did not end within"):
            one.wait()

    def test_stopped_early_it_keeps_what_was_fetched(
        self, cluster: Cluster, clock: FakeClock, tmp_path: Path
    ) -> None:
        one = started(cluster, clock, tmp_path)
        result = one.stop()
        assert result is not None
        assert result.requests == 100
        assert jobs(cluster) == []
