"""The shells themselves, asked what they would complete."""

import shutil
import subprocess

import pytest

from generate import ROOT
from kglb.cli.main import VERBS

COMPLETIONS = ROOT / "packaging" / "completions"


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"needs {shell}")


def bash(*words: str) -> set[str]:
    """What bash offers for the last of the words."""
    script = f"""
        source {COMPLETIONS / "kglb-actors.bash"} || exit
        COMP_WORDS=(kglb-actors "$@"); COMP_CWORD=$#
        _kglb_actors; printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    command = ["bash", "-uc", script, "bash", *words]
    return set(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split())


def fish(line: str) -> set[str]:
    """What fish offers at the end of the line."""
    script = f"source {COMPLETIONS / 'kglb-actors.fish'}; complete -C '{line}'"
    command = ["fish", "--no-config", "-c", script]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return {offer.split("\t")[0] for offer in printed.splitlines()}


def test_bash_completes_verbs() -> None:
    assert bash("re") == {verb for verb in VERBS if verb.startswith("re")}


def test_bash_completes_the_options_of_a_verb_and_what_they_take() -> None:
    assert bash("plan", "--ag") == {"--against"}
    assert bash("plan", "--against", "") == {"journal", "kernel"}
    assert {"short", "json"} < bash("tail", "-o", "")
    assert bash("plan", "-o", "") == {"short", "json"}


def test_bash_completes_files() -> None:
    assert bash("check", "exam") == {"examples"}
    assert bash("run", "--journal", "exam") == {"examples"}


@needs("fish")
def test_fish_completes_verbs_options_values_and_files() -> None:
    assert fish("kglb-actors re") >= {verb for verb in VERBS if verb.startswith("re")}
    assert fish("kglb-actors plan --ag") == {"--against"}
    assert fish("kglb-actors plan --against ") == {"journal", "kernel"}
    assert "examples/" in fish("kglb-actors check exam")


@needs("zsh")
def test_zsh_can_read_its_completion() -> None:
    subprocess.run(["zsh", "-n", COMPLETIONS / "_kglb-actors"], check=True)
