import pytest

from aftershock.collect.tags import SEVERITIES, TAGS, known_tags, owner_of
from aftershock.errors import ConfigError


def test_a_project_adds_tags_with_their_meaning():
    tags = known_tags(["billing: proves that invoices go out"])

    assert tags["billing"] == "proves that invoices go out"
    assert tags["protected"] == TAGS["protected"]


@pytest.mark.parametrize(
    "line", ["billing", "billing:", ": meaning", "two words: meaning", "owner-: x", "a-b: x"]
)
def test_a_tag_without_a_meaning_is_refused(line):
    with pytest.raises(ConfigError, match="declares no tag"):
        known_tags([line])


def test_severities_are_tags_and_no_tag_is_a_marker_of_pytests_own():
    assert set(SEVERITIES) <= TAGS.keys()
    assert not TAGS.keys() & {"skip", "skipif", "xfail", "usefixtures", "parametrize", "filterwarnings"}


def test_a_project_declares_who_answers_for_scenarios():
    assert "owner-team-web" in known_tags(["owner-team-web: they run nginx-web"])
    assert owner_of({"recovery", "owner-team-web", "owner-ada"}) == "ada, team-web"
    assert owner_of({"recovery"}) == ""
