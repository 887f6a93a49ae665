import pytest

from kglb.config import values
from kglb.config.problems import RefusedError

interval = values.duration("10ms", "24h")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("1.5s", 1.5),
        ("5s", 5.0),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("0.5h", 1800.0),
        ("10ms", 0.01),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert interval(text) == seconds


@pytest.mark.parametrize(
    "value",
    ["fast", "5", "", "-5s", "5 s", "5sec", "1e3s", "٥s", "9ms", "25h", "5S", 5, 5.0, True, [], {}],
)
def test_what_is_no_duration_within_bounds_is_refused(value: object) -> None:
    with pytest.raises(RefusedError):
        interval(value)


@pytest.mark.parametrize(("value", "hint"), [(5, 'write "5s"'), (1.5, 'write "1.5s"'), ("5", 'write "5s"'), (-5, "")])
def test_a_number_without_a_unit_is_told_how_to_be_written(value: object, hint: str) -> None:
    with pytest.raises(RefusedError) as refused:
        interval(value)
    assert refused.value.hint == hint


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.25, "250ms"), (1.5, "1.5s"), (90.0, "90s"), (120.0, "2m"), (7200.0, "2h")]
)
def test_seconds_are_shown_as_the_config_writes_them(seconds: float, text: str) -> None:
    assert values.duration_text(seconds) == text
    assert interval(text) == seconds


@pytest.mark.parametrize(("text", "size"), [("512MiB", 512 << 20), ("1GiB", 1 << 30), ("2TiB", 2 << 40)])
def test_a_size_is_read_in_bytes(text: str, size: int) -> None:
    assert values.size("1MiB")(text) == size


@pytest.mark.parametrize("value", ["512MB", "1023KiB", "1.5GiB", "1gib", 1024, 0, True])
def test_what_is_no_size_of_at_least_the_least_is_refused(value: object) -> None:
    with pytest.raises(RefusedError):
        values.size("1MiB")(value)


def test_off_stands_for_no_bound() -> None:
    assert values.or_off(values.size("1MiB"), 0)("off") == 0


@pytest.mark.parametrize("value", [0, 1, 0.0, 0.9, 1.0])
def test_a_ratio_is_a_share_from_0_to_1(value: float) -> None:
    assert values.ratio(value) == float(value)


@pytest.mark.parametrize("value", [1.01, -0.1, float("nan"), float("inf"), True, "0.5"])
def test_what_is_no_share_is_refused(value: object) -> None:
    with pytest.raises(RefusedError):
        values.ratio(value)


@pytest.mark.parametrize("value", [-1, 65536, True, 1.0, "1", 1 << 70])
def test_a_number_out_of_bounds_or_of_another_kind_is_refused(value: object) -> None:
    with pytest.raises(RefusedError, match="from 0 to 65535"):
        values.integer(0, 65535)(value)


def test_a_choice_knows_aliases_and_suggests_the_closest_name() -> None:
    colour = values.choice(("red", "green"), {"rouge": "red"})
    assert colour("rouge") == "red"
    with pytest.raises(RefusedError, match='one of "red", "green", found "Greeen"') as refused:
        colour("Greeen")
    assert refused.value.hint == 'did you mean "green"?'


@pytest.mark.parametrize("value", ["a\nb", "a\x1b[31m", "a\u202eb", "x" * 9000])
def test_a_string_that_could_garble_a_log_is_refused(value: str) -> None:
    with pytest.raises(RefusedError) as refused:
        values.text(value)
    assert str(refused.value).isprintable()


def test_a_socket_has_a_path_that_the_kernel_takes() -> None:
    assert values.socket_path("/run/kglb/control.sock") == "/run/kglb/control.sock"
    assert values.socket_path("/" + "x" * 106)
    with pytest.raises(RefusedError, match="expected a path that starts with /"):
        values.socket_path("control.sock")
    with pytest.raises(RefusedError, match="at most 107 bytes for a socket, found 108"):
        values.socket_path("/" + "x" * 107)
    with pytest.raises(RefusedError, match="at most 107 bytes"):
        values.socket_path("/" + "ü" * 54)
