"""The files of the page and of the report: HTML, style, script. Text, and nothing that runs here."""

from pathlib import Path  # importlib.resources would bring tempfile and shutil into every start

_HERE = Path(__file__).parent


def text(name: str) -> str:
    """The file of that name."""
    return (_HERE / name).read_text(encoding="utf-8")
