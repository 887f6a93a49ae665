"""Settings as the command line has them: what is meant, and what is refused, and why."""

import pytest
from msgspec.structs import replace

from kglb.model import Config, DummyCheck, ServiceId
from kglb.replay.settings import Setting, SettingError, Settings, parse_setting
from tests.projections.builders import DNS, WEB, balancer, config

BOTH = config(balancer(WEB, name="web"), balancer(DNS, name="dns.internal"))


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("balancer.web.check.fall=5", Setting("web", "check.fall", 5)),
        ("balancer.web.check.interval = 2s", Setting("web", "check.interval", 2.0)),
        ('balancer.web.check.fast_interval="100ms"', Setting("web", "check.fast_interval", 0.1)),
        ("balancer.dns.internal.when_all_down=fail_closed", Setting("dns.internal", "when_all_down", "fail_closed")),
        ("balancer.web@tcp://192.168.100.10:80.check.rise=1", Setting(f"web@{WEB}", "check.rise", 1)),
        ("balancer.*.check.rise=1", Setting("*", "check.rise", 1)),
        ("balancer.web.fail_open_below=0.5", Setting("web", "fail_open_below", 0.5)),
    ],
)
def test_a_setting_is_a_key_of_the_config_and_its_value(text: str, setting: Setting) -> None:
    assert parse_setting(text) == setting


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("fall=5", "expected balancer.NAME.KEY=VALUE"),
        ("balancer.web.check.fall", "expected balancer.NAME.KEY=VALUE"),
        ("balancer.web.check.fal=5", 'unknown key "check.fal"; did you mean "check.fall"?'),
        ("balancer.web.check.fall=five", 'expected a whole number from 1 to 1000, found "five"'),
        ("balancer.web.check.interval=5", 'write "5s"'),
        ("balancer.web.when_all_down=fail_opn", 'did you mean "fail_open"?'),
        ("balancer.web.check.path=/ready", "what check.path would have changed is not in a journal"),
        ("balancer.web.check.timeout=1s", "what check.timeout would have changed is not in a journal"),
        ("balancer.web.scheduler=rr", "what scheduler would have changed is not in a journal"),
        ("balancer.web.nonsense=1", 'unknown key "nonsense"'),
    ],
)
def test_a_setting_that_is_refused_says_why(text: str, complaint: str) -> None:
    with pytest.raises(SettingError) as refused:
        parse_setting(text)
    assert complaint in str(refused.value)


def changed(text: str, recorded: Config = BOTH) -> Config:
    return Settings([parse_setting(text)]).apply(recorded)


def test_a_setting_is_about_one_balancer_or_about_all() -> None:
    assert [one.check.fall for one in changed("balancer.web.check.fall=5").balancers] == [5, 1]
    assert [one.check.fall for one in changed("balancer.*.check.fall=5").balancers] == [5, 5]


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(SettingError, match="a fast_interval of 30s is longer than the interval of 1s"):
        changed("balancer.web.check.fast_interval=30s")


def test_a_name_must_mean_one_balancer() -> None:
    twice = config(balancer(WEB, name="web"), balancer(ServiceId("tcp://192.168.100.11:80"), name="web"))
    for name, recorded, complaint in (("wep", BOTH, "there is web"), ("web", twice, "write NAME@SERVICE")):
        settings = Settings([parse_setting(f"balancer.{name}.check.fall=2")])
        with pytest.raises(SettingError, match=complaint):
            settings.require_balancers([recorded])


def test_a_check_without_the_setting_stays_as_it_is() -> None:
    check = DummyCheck(interval=1.0, timeout=1.0, rise=1, fall=1)
    assert changed("balancer.web.check.fall=5").balancers[0].check == replace(check, fall=5)


def test_a_share_is_written_as_it_is_read() -> None:
    assert str(parse_setting("balancer.web.fail_open_below=0.5")) == "balancer.web.fail_open_below=0.5"


def test_settings_go_together_as_in_a_config() -> None:
    settings = Settings(
        [parse_setting("balancer.web.fail_open_below=0.5"), parse_setting("balancer.web.when_all_down=fail_closed")]
    )
    with pytest.raises(SettingError, match="web: fail_open_below needs when_all_down = fail_open"):
        settings.apply(BOTH)
