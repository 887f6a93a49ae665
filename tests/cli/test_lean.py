"""What an import takes along."""

import subprocess
import sys

import pytest

from kglb.cli.lean import without


def test_a_package_is_not_to_be_found_within_and_is_afterwards() -> None:
    code = (
        "from kglb.cli.lean import without\n"
        "with without('colorsys'):\n"
        "    try:\n"
        "        import colorsys\n"
        "    except ModuleNotFoundError:\n"
        "        print('hidden')\n"
        "import colorsys\n"
        "with without('colorsys'):\n"
        "    import colorsys\n"
        "print(colorsys.ONE_THIRD > 0)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["hidden", "True"]


def test_it_can_be_found_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), without("no_such_package"):
        raise ZeroDivisionError
    assert "no_such_package" not in sys.modules


def test_the_event_log_takes_no_rich_along() -> None:
    code = "import sys, kglb.cli.event_log; print('rich' in sys.modules); import rich; print(rich.__name__)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "rich"]
