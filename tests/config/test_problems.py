import pytest

from kglb.config.problems import ConfigError, Problem, path_text, show


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


def test_keys_that_are_not_bare_are_quoted_and_escaped_in_paths() -> None:
    assert path_text(("a", 0, "b c", "\x1b[31m")) == 'a[0]."b c"."\\u001b[31m"'


@pytest.mark.parametrize("value", ["x" * 1000, "\n\x1b", 1 << 70, [1], {"a": 1}, True, 1.5, float("nan")])
def test_any_value_is_shown_short_and_on_one_line(value: object) -> None:
    assert len(show(value)) < 100
    assert show(value).isprintable()
