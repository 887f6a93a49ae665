"""The files of the page and of the report: HTML, style, script. Text, and nothing that runs here."""

from importlib.resources import files


def text(name: str) -> str:
    """The file of that name."""
    return (files(__name__) / name).read_text(encoding="utf-8")
