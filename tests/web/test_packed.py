"""A text that is kept packed comes out as it went in, in pieces of bounded size."""

import gzip

from hypothesis import given
from hypothesis import strategies as st

from kglb.web.packed import PIECE, Packed, Packer


def packed(*parts: str) -> Packed:
    packer = Packer()
    for part in parts:
        packer.add(part)
    return packer.packed()


@given(st.lists(st.text()))
def test_what_comes_out_is_what_went_in(parts: list[str]) -> None:
    text = "".join(parts).encode()
    found = packed(*parts)
    assert b"".join(found.pieces()) == text
    assert gzip.decompress(found.data) == text
    assert found.size == len(text)


def test_a_long_text_takes_little_and_comes_in_pieces() -> None:
    parts = [f'kglb_real_weight{{balancer="web",real="10.0.{n // 250}.{n % 250}:80"}} 1000\n' for n in range(20_000)]
    found = packed(*parts)
    assert len(found.data) < found.size / 10
    sizes = [len(piece) for piece in found.pieces()]
    assert sum(sizes) == found.size
    assert max(sizes) == PIECE
