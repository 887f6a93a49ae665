"""Tables of any width."""

from kglb.cli.columns import Cell, Column, shortened, table
from kglb.cli.output import Paint

COLUMNS = (
    Column("REAL"),
    Column("WEIGHT", number=True),
    Column("LATENCY", spare=2),
    Column("SINCE", spare=1),
    Column("SAYS"),
)
ROWS = [
    [Cell(text) for text in ("10.0.0.1:80", "1000", "0.21 ms", "3 h", "9 passes in a row")],
    [Cell(text) for text in ("10.0.0.2:80", "0", "-", "2 min", "connection refused, 14 failures in a row")],
]
PLAIN = Paint(enabled=False)


def test_without_a_terminal_everything_is_shown() -> None:
    assert table(COLUMNS, ROWS, None, PLAIN) == [
        "REAL         WEIGHT  LATENCY  SINCE  SAYS",
        "10.0.0.1:80    1000  0.21 ms  3 h    9 passes in a row",
        "10.0.0.2:80       0  -        2 min  connection refused, 14 failures in a row",
    ]


def test_what_is_needed_least_goes_first_and_the_last_is_cut() -> None:
    assert table(COLUMNS, ROWS, 54, PLAIN) == [
        "REAL         WEIGHT  SINCE  SAYS",
        "10.0.0.1:80    1000  3 h    9 passes in a row",
        "10.0.0.2:80       0  2 min  connection refused, 14 ...",
    ]
    assert "SINCE" not in table(COLUMNS, ROWS, 46, PLAIN)[0]


def test_on_a_very_narrow_terminal_the_last_goes_below() -> None:
    lines = table(COLUMNS, ROWS, 30, PLAIN)
    assert lines == [
        "REAL         WEIGHT",
        "10.0.0.1:80    1000",
        "  9 passes in a row",
        "10.0.0.2:80       0",
        "  connection refused, 14 fa...",
    ]
    assert max(map(len, lines)) <= 30


def test_no_rows_are_a_heading() -> None:
    assert table(COLUMNS, [], 80, PLAIN) == ["REAL  WEIGHT  LATENCY  SINCE  SAYS"]


def test_colours_take_no_room() -> None:
    (_, line) = table(COLUMNS[:2], [[Cell("up", "good"), Cell("9")]], 40, Paint(enabled=True))
    assert line == "\x1b[32mup\x1b[0m    9"


def test_a_text_that_fits_is_left_alone() -> None:
    assert shortened("12345", 5) == "12345"
    assert shortened("123456", 5) == "12..."
