"""Which config runs, and whether the file on the disk is another that was refused."""

from kglb.events import ConfigRejected
from kglb.web.config_standing import ConfigStanding, InForce, Rejected
from tests.projections.builders import applied, balancer

REFUSED = ConfigRejected(source="new.toml", errors=("new.toml:4: unknown key", "new.toml:9: no such scheduler"))


def standing(*seconds: float) -> ConfigStanding:
    return ConfigStanding(iter(seconds).__next__)


def test_nothing_is_in_force_before_the_first_is_applied() -> None:
    config = standing()
    config.note(REFUSED)
    assert config.now is None


def test_one_that_is_refused_is_known_until_the_next_is_applied() -> None:
    config = standing(100.0, 160.0, 200.0)
    config.note(applied(balancer()))
    assert config.now == InForce(source="test", digest="0", since=100.0)

    config.note(REFUSED)
    rejected = Rejected(at=160.0, source="new.toml", errors=REFUSED.errors)
    assert config.now == InForce(source="test", digest="0", since=100.0, rejected=rejected)

    config.note(applied(balancer()))
    assert config.now == InForce(source="test", digest="0", since=200.0)
