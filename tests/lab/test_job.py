"""A job's environment is chosen, not inherited."""

from lab.job import environment

SOURCE = {"PATH": "/opt/bin:/usr/bin", "HOME": "/home/someone", "SECRET": "s", "LC_ALL": "C", "KGLB_X": "1"}


def test_only_the_variables_that_a_job_needs_are_kept() -> None:
    kept = environment(source=SOURCE)
    assert "SECRET" not in kept
    assert (kept["LC_ALL"], kept["KGLB_X"]) == ("C", "1")


def test_system_programs_are_found_and_no_home_is_touched() -> None:
    kept = environment(source=SOURCE)
    assert kept["PATH"] == "/opt/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/sbin"
    assert kept["HOME"] == "/tmp"


def test_further_variables_are_given_or_passed_on() -> None:
    kept = environment(["SECRET", "LEVEL=a=b", "ABSENT"], SOURCE)
    assert (kept["SECRET"], kept["LEVEL"]) == ("s", "a=b")
    assert "ABSENT" not in kept
