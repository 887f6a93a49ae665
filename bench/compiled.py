"""What is measured starts as an installed program does: its modules compiled, wherever it is run from."""

import compileall
from pathlib import Path

ROOT = Path(__file__).parents[1]


def compile_packages() -> None:
    """Compile the program's packages; in a checkout whose modules nobody imported yet, a start would compile them."""
    for package in ("kglb", "journal"):
        compileall.compile_dir(ROOT / package, quiet=1)
