import pytest

from kglb.config.problems import ConfigError, Problem, path_text, show, summarised


def test_a_problem_names_file_line_path_message_and_hint() -> None:
    problem = Problem("balancer[1].check.interval", 12, "expected a duration, found 5", 'write "5s"')
    assert problem.render("config.toml") == (
        'config.toml:12: balancer[1].check.interval: expected a duration, found 5; write "5s"'
    )


def test_a_problem_of_the_whole_file_has_neither_line_nor_path() -> None:
    assert Problem("", None, "is larger than 5 bytes").render("c.toml") == "c.toml: is larger than 5 bytes"


def test_the_error_shows_every_problem() -> None:
    error = ConfigError("c.toml", (Problem("a", 1, "one"), Problem("b", 2, "two")))
    assert str(error) == "c.toml:1: a: one\nc.toml:2: b: two"


def test_what_is_said_of_many_places_is_said_three_times_and_counted() -> None:
    alike = [Problem(f"balancer[{number}].scheduler", number, "refuses some", "do this") for number in range(100)]
    assert tuple(summarised([*alike, Problem("a", 7, "one")], "c.toml")) == (
        "c.toml:0: balancer[0].scheduler: refuses some; do this",
        "c.toml:1: balancer[1].scheduler: refuses some; do this",
        "c.toml:2: balancer[2].scheduler: refuses some; do this",
        "c.toml: and 97 more: refuses some",
        "c.toml:7: a: one",
    )
    assert len(tuple(summarised(alike[:4], "c.toml"))) == 4
    assert "more" not in "".join(summarised(alike[:4], "c.toml")), "the fourth takes no more room than its count"


def test_keys_that_are_not_bare_are_quoted_and_escaped_in_paths() -> None:
    assert path_text(("a", 0, "b c", "\x1b[31m")) == 'a[0]."b c"."\\u001b[31m"'


@pytest.mark.parametrize("value", ["x" * 1000, "\n\x1b", 1 << 70, [1], {"a": 1}, True, 1.5, float("nan")])
def test_any_value_is_shown_short_and_on_one_line(value: object) -> None:
    assert len(show(value)) < 100
    assert show(value).isprintable()
