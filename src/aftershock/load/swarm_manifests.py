"""What a load in the cluster is made of: a ConfigMap of locustfiles, Locust's master, its workers.

Both run as Jobs that end by themselves, and the ConfigMap goes with the master: a vanished
harness leaves nothing for long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aftershock.cluster.api import Json
from aftershock.cluster.own import OWN_NAMESPACE, UNPRIVILEGED
from aftershock.load.command import pace, variables
from aftershock.load.library import files_with_library
from aftershock.load.spec import LoadSpec

__all__ = ["FOLDER", "LOG", "PORT", "locustfiles", "master", "workers"]

FOLDER = "/load"
LOG = Path("/log/requests.tsv")
PORT = 8088
LIVES_ON_S = 180
"""Beyond its load: to start, to wait for the last answers, to be fetched."""
KEEP_S = 30
WORKER = {"requests": {"cpu": "250m", "memory": "192Mi"}, "limits": {"memory": "1Gi"}}
MASTER = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


def locustfiles(name: str, spec: LoadSpec, *, owner: Json) -> Json:
    """Return the ConfigMap with the files beside the locustfile and the library; the master's Job owns it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": OWN_NAMESPACE,
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "name": owner["metadata"]["name"],
                    "uid": owner["metadata"]["uid"],
                }
            ],
        },
        "data": files_with_library(spec.locustfile),
    }


def master(name: str, spec: LoadSpec, *, image: str) -> Json:
    """Return the Job of Locust's master, which waits for all workers."""
    options = {
        "--host": spec.host.rstrip("/"),
        "--expect-workers": spec.demand.workers,
        "--expect-workers-max-wait": LIVES_ON_S,
        **pace(spec),
        "--exit-code-on-error": 0,
    }
    words = ["--master", "--headless", "--only-summary", *(str(w) for pair in options.items() for w in pair)]
    return _job(name, spec, image=image, role="master", words=words, resources=MASTER)


def workers(name: str, spec: LoadSpec, *, image: str, master_ip: str) -> Json:
    """Return the Job of all workers. Each writes its own log and serves it on PORT."""
    words = ["--worker", "--master-host", master_ip]
    body = _job(name, spec, image=image, role="worker", words=words, resources=WORKER)
    body["spec"] |= {"parallelism": spec.demand.workers, "completions": spec.demand.workers}
    return body


def _job(
    name: str, spec: LoadSpec, *, image: str, role: str, words: Sequence[str], resources: Mapping[str, object]
) -> Json:
    labels = {"app.kubernetes.io/name": "aftershock-load", "aftershock.dev/load": name}
    told = {
        **variables(spec, LOG),
        "AFTERSHOCK_LOAD_WORKERS": str(spec.demand.workers),
        "AFTERSHOCK_LOAD_PORT": str(PORT),
        "HOME": "/tmp",  # noqa: S108 - of the pod's own
    }
    pod = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": int(spec.duration_s) + LIVES_ON_S,
        "terminationGracePeriodSeconds": 2,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [
            {
                "name": role,
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["python3", "-m", "locust", "-f", f"{FOLDER}/{spec.locustfile.name}", *words],
                "env": [{"name": key, "value": value} for key, value in sorted(told.items())],
                "securityContext": UNPRIVILEGED,
                "resources": dict(resources),
                "volumeMounts": [
                    {"name": "locustfiles", "mountPath": FOLDER, "readOnly": True},
                    {"name": "log", "mountPath": str(LOG.parent)},
                    {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - as above
                ],
            }
        ],
        "volumes": [
            {"name": "locustfiles", "configMap": {"name": name}},
            {"name": "log", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"{name}-{role}", "namespace": OWN_NAMESPACE, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": KEEP_S,
            "template": {"metadata": {"labels": {**labels, "aftershock.dev/role": role}}, "spec": pod},
        },
    }
