from pathlib import Path

import pytest

from aftershock.collect.types import duration, experiment, locustfile, phrase
from aftershock.errors import FeatureError, StepArgumentError


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with a locustfile and experiments, good and bad, as the current folder."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "loadtests").mkdir()
    (tmp_path / "experiments").mkdir()
    (tmp_path / "loadtests" / "nginx_web.py").write_text("class User: ...\n")
    (tmp_path / "loadtests" / "broken.py").write_text("class User(:\n")
    (tmp_path / "experiments" / "drain-worker.yaml").write_text("title: t\nmethod: []\n")
    (tmp_path / "experiments" / "no-method.yaml").write_text("title: t\n")
    (tmp_path / "experiments" / "no-yaml.yaml").write_text("a: [\n")
    (tmp_path / "secret.py").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_durations_are_seconds_and_a_malformed_one_is_refused():
    assert duration("1 minute") == 60

    with pytest.raises(StepArgumentError, match="'soon' is no duration") as caught:
        duration("soon")
    assert "30 seconds" in caught.value.expected


def test_a_refused_word_is_a_feature_error_and_what_a_parser_takes_for_no_match():
    assert issubclass(StepArgumentError, FeatureError)
    sentence = phrase("it fires within {limit:Duration}")

    assert sentence.is_matching("it fires within 20 seconds")
    assert sentence.parse_arguments("it fires within 20 seconds") == {"limit": 20}
    assert not sentence.is_matching("it fires within 20 seconds and resolves within 2 minutes")


def test_a_phrase_minds_the_case_and_takes_types_of_its_own():
    sentence = phrase("{alert:Alert} fires", Alert=str.upper)

    assert sentence.parse_arguments("oom fires") == {"alert": "OOM"}
    assert not sentence.is_matching("oom Fires")


@pytest.mark.parametrize("name", ["nginx_web", "nginx-web", "nginx web", "nginx_web.py"])
def test_a_locustfile_is_found_by_its_name(house, name):
    assert locustfile(name) == house / "loadtests" / "nginx_web.py"


@pytest.mark.parametrize("name", ["drain-worker", "drain worker", "drain-worker.yaml"])
def test_an_experiment_is_found_by_its_name(house, name):
    assert experiment(name) == house / "experiments" / "drain-worker.yaml"


@pytest.mark.parametrize(
    ("convert", "name", "said", "expected"),
    [
        (
            locustfile,
            "browse",
            "there is no locustfile 'browse'",
            "one of loadtests/: broken.py, nginx_web.py",
        ),
        (locustfile, "../secret", "there is no locustfile", ""),
        (locustfile, "broken", "'broken' is a locustfile that Python cannot read", ""),
        (experiment, "drian", "there is no experiment 'drian'", "drain-worker.yaml"),
        (experiment, "no-method", "'no-method' is no experiment", "method at its top level"),
        (experiment, "no-yaml", "'no-yaml' is an experiment that is no YAML", ""),
    ],
)
def test_a_file_that_is_missing_or_wrong_is_refused(house, convert, name, said, expected):
    with pytest.raises(StepArgumentError) as caught:
        convert(name)

    assert caught.value.message.startswith(said)
    assert expected in caught.value.expected
