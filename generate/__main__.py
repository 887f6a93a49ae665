"""``python -m generate``: write every generated file again."""

from generate import GENERATED, ROOT

for name, make in GENERATED.items():
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(make())
