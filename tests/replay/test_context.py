"""What sentences need besides their record is found wherever one begins to read."""

import pytest
from msgspec.structs import replace

from kglb.replay.context import Context
from kglb.replay.errors import CheckpointError
from kglb.replay.source import Source
from tests.projections.builders import WEB, applied, real_id
from tests.replay.journals import Fleet, JournalBuilder


def test_names_come_from_the_checkpoint(fleet: Fleet) -> None:
    fleet.builder.rotate()
    assert Context(Source(fleet.builder.path)).names(fleet.builder.seq).label(WEB) == "web"


def test_names_come_from_a_config_after_the_checkpoint(fleet: Fleet) -> None:
    fleet.builder.rotate()
    before = fleet.builder.seq
    fleet.builder.record(applied(replace(fleet.config, name="renamed")))
    fleet.goes(real_id(0), up=False)
    context = Context(Source(fleet.builder.directory))
    assert context.names(fleet.builder.seq).label(WEB) == "renamed"
    assert context.names(before).label(WEB) == "web"


def test_a_config_that_is_noted_is_in_force_from_there_on(fleet: Fleet) -> None:
    source = Source(fleet.builder.directory)
    context = Context(source)
    assert context.names(fleet.builder.seq).label(WEB) == "web"
    fleet.builder.record(applied(replace(fleet.config, name="renamed")))
    record = source.record(fleet.builder.seq)
    assert record is not None
    context.note(record)
    assert context.names(fleet.builder.seq).label(WEB) == "renamed"
    assert context.names(fleet.builder.seq - 1).label(WEB) == "web"


def test_a_run_is_found_though_it_was_not_noted(fleet: Fleet) -> None:
    run = fleet.flip(real_id(0), "failure")
    flip = Context(Source(fleet.builder.directory)).run(WEB, real_id(0), run)
    assert flip is not None
    assert flip.reason == "refused"


def test_a_run_that_is_no_longer_there_is_none(fleet: Fleet) -> None:
    assert Context(Source(fleet.builder.directory)).run(WEB, real_id(0), 3) is None
    assert Context(Source(fleet.builder.directory)).run(WEB, real_id(0), 999) is None


def test_a_checkpoint_of_another_shape_is_named(fleet: Fleet) -> None:
    builder = JournalBuilder(fleet.builder.directory / "other", checkpoint=b'{"fleet":{"config":{"balancers":1}}}')
    with pytest.raises(CheckpointError, match="the checkpoint at record 1 is not understood"):
        Context(Source(builder.directory)).names(1)
