"""Where runs are kept: what the setting may say, and what is refused without repeating a credential."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.errors import ConfigError
from aftershock.keep.place import Bucket, Folder, read_place

ROOT = Path("/srv/project")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/mnt/runs", Folder(path=Path("/mnt/runs"))),
        ("kept/runs", Folder(path=ROOT / "kept/runs")),
        ("file:///mnt/runs%20of%20nights", Folder(path=Path("/mnt/runs of nights"))),
        ("file:kept", Folder(path=ROOT / "kept")),
        ("s3://runs", Bucket(name="runs")),
        ("s3://runs/a/b/", Bucket(name="runs", prefix="a/b")),
        ("s3://runs/a?region=eu-west-1", Bucket(name="runs", prefix="a", region="eu-west-1")),
        (
            "s3://runs/a?endpoint=http://10.0.0.1:9000",
            Bucket(name="runs", prefix="a", host="10.0.0.1:9000", secure=False),
        ),
        ("s3://runs?endpoint=https%3A%2F%2Fs3.lab", Bucket(name="runs", host="s3.lab")),
    ],
)
def test_what_it_may_say(text: str, place: object) -> None:
    assert read_place(text, root=ROOT) == place


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "s3://", "s3:///runs", "s3://R", "s3://runs/../other", "s3://runs/a//b",
        "s3://runs?endpoint=", "s3://runs?endpoint=10.0.0.1:9000", "s3://runs?endpoint=http://",
        "s3://runs?endpoint=http://h/path", "s3://runs?colour=red", "s3://runs?region=a&region=b",
        "https://host/runs", "gs://runs", "file://host/runs", "ftp:runs", "s3://[runs",
    ],
)  # fmt: skip
def test_what_it_may_not_say(text: str) -> None:
    with pytest.raises(ConfigError, match="keep_to names no place") as caught:
        read_place(text, root=ROOT)
    assert "s3://BUCKET/PREFIX" in caught.value.expected
    assert caught.value.found


@pytest.mark.parametrize(
    "text",
    [
        "s3://AKIA:hunter2secret@runs/a",
        "s3://runs?endpoint=http://AKIA:hunter2secret@host:9000",
        "s3://runs?endpoint=http%3A%2F%2FAKIA%3Ahunter2secret%40host",
        "https://AKIA:hunter2secret@host/runs",
    ],
)
def test_credentials_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError, match="holds credentials") as caught:
        read_place(text, root=ROOT)
    assert "AWS_ACCESS_KEY_ID" in caught.value.hint
    assert "hunter2" not in str(caught.value)
    assert "AKIA" not in str(caught.value)


def test_how_it_is_shown() -> None:
    assert str(read_place("s3://runs/a/b?endpoint=http://h:1", root=ROOT)) == "s3://runs/a/b"
    assert str(read_place("kept", root=ROOT)) == "/srv/project/kept"
