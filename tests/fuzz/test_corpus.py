"""What once broke a target, and where fuzzing begins, breaks nothing; nor does a little of what lies near."""

import tracemalloc
from collections.abc import Iterator

import pytest

from fuzz import TARGETS, corpus, load, plain
from fuzz.bounds import within_bounds

EXECUTIONS = {"journal_bytes": 10, "journal_events": 10}
"""Of a brief run; of the others 150."""


@pytest.fixture
def _traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("_traced")
@pytest.mark.parametrize("target", TARGETS)
def test_every_input_of_the_corpus_stays_within_the_bounds(target: str) -> None:
    one_input = load(target)
    assert len(corpus(target)) >= 3
    for path in corpus(target):
        within_bounds(one_input, path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_mutations_of_the_corpus_stay_within_the_bounds(target: str) -> None:
    seeds = [path.read_bytes() for path in corpus(target)]
    executions = EXECUTIONS.get(target, 150)
    assert plain.run(load(target), seeds, executions=executions).executions == executions
