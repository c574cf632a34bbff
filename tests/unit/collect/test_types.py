from pathlib import Path

import pytest

from aftershock.cluster.targets import Amount, NodeWords
from aftershock.collect.types import amount, duration, experiment, litmus_engine, locustfile, phrase
from aftershock.errors import FeatureError, StepArgumentError
from aftershock.load.spec import Demand

ENGINE = """\
apiVersion: litmuschaos.io/v1alpha1
kind: ChaosEngine
metadata: {name: hog}
spec:
  appinfo: {appns: demo, applabel: app=web, appkind: deployment}
  experiments: [{name: pod-cpu-hog}]
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with a locustfile and experiments, good and bad, as the current folder."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "loadtests").mkdir()
    (tmp_path / "experiments").mkdir()
    (tmp_path / "loadtests" / "nginx_web.py").write_text("class User: ...\n")
    (tmp_path / "loadtests" / "broken.py").write_text("class User(:\n")
    (tmp_path / "experiments" / "litmus").mkdir()
    (tmp_path / "experiments" / "drain-worker.yaml").write_text(
        "title: t\ndescription: d\nsteady-state-hypothesis: {title: h}\nmethod:\n"
        "- {name: a, type: action,\n"
        "   provider: {type: python, module: aftershock.chaostoolkit, func: uncordon}}\n"
    )
    (tmp_path / "experiments" / "other-module.yaml").write_text(
        "title: t\ndescription: d\nsteady-state-hypothesis: {title: h}\nmethod:\n"
        "- {name: a, type: action, provider: {type: python, module: theirs, func: uncordon}}\n"
    )
    (tmp_path / "experiments" / "litmus" / "pod-cpu-hog.yaml").write_text(ENGINE)
    (tmp_path / "experiments" / "litmus" / "aux.yaml").write_text(ENGINE + "  auxiliaryAppInfo: x\n")
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


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("1 reviews pod fails", Amount(count=1)),
        ("30 % of the reviews pods fails", Amount(share=0.3)),
        ("30% of the reviews pods fails", Amount(share=0.3)),
        ("12.5 % of the reviews pods fails", Amount(share=0.125)),
        ("100 % of the reviews pods fails", Amount(share=1.0)),
    ],
)
def test_an_amount_ends_where_the_workload_begins(said, meant):
    found = {}
    for sentence in ("{amount:Amount} {workload} pod fails", "{amount:Amount} {workload} pods fails"):
        if phrase(sentence).is_matching(said):
            found = phrase(sentence).parse_arguments(said)

    assert found == {"amount": meant, "workload": "reviews"}


@pytest.mark.parametrize("text", ["0", "00", "1.5", "30 %", "0 % of the", "101 % of the", "3 of the", "many"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(StepArgumentError, match="is no amount") as caught:
        amount(text)
    assert "30 % of the" in caught.value.expected


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("a worker node is lost", NodeWords(role="worker")),
        ("an ingress node is lost", NodeWords(role="ingress")),
        ("the node that holds most of app=reviews is lost", NodeWords(workload="app=reviews")),
        ("node ip-10-0-0-7.local is lost", NodeWords(name="ip-10-0-0-7.local")),
    ],
)
def test_a_node_is_meant_by_role_by_what_it_holds_or_by_name(said, meant):
    assert phrase("{node:Node} is lost").parse_arguments(said) == {"node": meant}


def test_what_names_no_node_matches_no_sentence():
    assert not phrase("{node:Node} is lost").is_matching("some node is lost")


@pytest.mark.parametrize("name", ["nginx_web", "nginx-web", "nginx web", "nginx_web.py"])
def test_a_locustfile_is_found_by_its_name(house, name):
    assert locustfile(name) == house / "loadtests" / "nginx_web.py"


@pytest.mark.parametrize("name", ["drain-worker", "drain worker", "drain-worker.yaml"])
def test_an_experiment_is_found_by_its_name(house, name):
    assert experiment(name) == house / "experiments" / "drain-worker.yaml"


def test_a_provider_that_the_settings_allow_is_not_refused(house, monkeypatch):
    monkeypatch.setenv("AFTERSHOCK_EXPERIMENT_PROVIDERS", "http, theirs")
    assert experiment("other-module") == house / "experiments" / "other-module.yaml"


def test_a_litmus_engine_is_found_by_its_name(house):
    assert litmus_engine("pod-cpu-hog") == house / "experiments" / "litmus" / "pod-cpu-hog.yaml"


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
        (
            experiment,
            "no-method",
            "experiments/no-method.yaml:1: no experiment that runs here",
            "",
        ),
        (experiment, "other-module", "experiments/other-module.yaml:5: a: a provider 'theirs' is not", ""),
        (litmus_engine, "pod-delete", "there is no Litmus engine 'pod-delete'", "aux.yaml, pod-cpu-hog.yaml"),
        (litmus_engine, "aux", "experiments/litmus/aux.yaml:7: no ChaosEngine that runs here", ""),
        (experiment, "no-yaml", "experiments/no-yaml.yaml is no YAML", ""),
    ],
)
def test_a_file_that_is_missing_or_wrong_is_refused(house, convert, name, said, expected):
    with pytest.raises(StepArgumentError) as caught:
        convert(name)

    assert caught.value.message.startswith(said)
    assert expected in caught.value.expected


GETS = "{service:Locustfile} gets {demand:Demand} for {time:LoadTime}"
USERS = "{users:Users} users load {service:Locustfile} at {rate:UserRate} requests/s each for {time:LoadTime}"


@pytest.mark.parametrize(
    ("said", "demand"),
    [
        ("nginx-web gets 200 requests/s for 60 seconds", Demand(arrivals=200)),
        ("nginx-web gets a ramp to 200 requests/s for 1 minute", Demand(arrivals=200, shape="ramp")),
        ("nginx-web gets 9 users at 2 requests/s each for 60s", Demand(users=9, rate_per_user=2)),
    ],
)
def test_how_much_load(house, said, demand):
    words = phrase(GETS).parse_arguments(said)
    assert words == {"service": house / "loadtests" / "nginx_web.py", "demand": demand, "time": 60}


@pytest.mark.parametrize(
    ("sentence", "said", "complaint"),
    [
        (GETS, "nginx-web gets a zigzag to 5 users for 60 seconds", "unknown load shape 'zigzag'"),
        (GETS, "nginx-web gets 99999 requests/s for 60 seconds", "99999 requests/s are out of range"),
        (GETS, "nginx-web gets a few requests/s for 60 seconds", "'a few requests/s' is no load"),
        (GETS, "nginx-web gets 5 users for 500ms", "a load of 500ms is out of range"),
        (USERS, "0 users load nginx-web at 1 requests/s each for 60s", "0 users are out of range"),
        (USERS, "1 users load nginx-web at 0 requests/s each for 60s", "out of range"),
        ("{percent:Percentile} of {workload}", "p0 of web", "there is no percentile p0"),
        ("{percent:Percentile} of {workload}", "p101 of web", "there is no percentile p101"),
    ],
)
def test_load_that_cannot_be_is_refused_when_the_feature_is_read(house, sentence, said, complaint):
    with pytest.raises(StepArgumentError, match=complaint) as caught:
        phrase(sentence).parse_arguments(said)

    assert caught.value.expected


def test_a_secret_is_taken_from_where_it_is(house, monkeypatch):
    monkeypatch.setenv("SHOP", "tok-5520-shop")
    (house / "token").write_text("tok-5521-shop\n")
    asks = phrase("the shop is asked with {token:Secret} twice")

    for place, value in (("env:SHOP", "tok-5520-shop"), ("file:token", "tok-5521-shop")):
        token = asks.parse_arguments(f"the shop is asked with {place} twice")["token"]
        assert token.reveal() == value
        assert str(token) == f"<secret {place}>"


@pytest.mark.parametrize("word", ["env:NOT_THERE", "file:not-there", "tok-5522-written-down"])
def test_a_secret_that_is_not_there_is_refused_and_never_repeated(house, word):
    with pytest.raises(StepArgumentError) as caught:
        phrase("the shop is asked with {token:Secret} twice").parse_arguments(
            f"the shop is asked with {word} twice"
        )

    assert "5522" not in str(caught.value)
