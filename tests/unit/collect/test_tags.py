import pytest

from aftershock.collect.tags import SEVERITIES, TAGS, known_tags
from aftershock.errors import ConfigError


def test_a_project_adds_tags_with_their_meaning():
    tags = known_tags(["billing: proves that invoices go out"])

    assert tags["billing"] == "proves that invoices go out"
    assert tags["protected"] == TAGS["protected"]


@pytest.mark.parametrize("line", ["billing", "billing:", ": meaning", "two words: meaning"])
def test_a_tag_without_a_meaning_is_refused(line):
    with pytest.raises(ConfigError, match="declares no tag"):
        known_tags([line])


def test_severities_are_tags_and_no_tag_is_a_marker_of_pytests_own():
    assert set(SEVERITIES) <= TAGS.keys()
    assert not TAGS.keys() & {"skip", "skipif", "xfail", "usefixtures", "parametrize", "filterwarnings"}
