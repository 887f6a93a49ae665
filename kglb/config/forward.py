"""How packets reach a real: ``forward = "tunnel"`` or ``forward = { type = "gue", port = 6080 }``."""

from kglb.config import network
from kglb.config.problems import RefusedError, show
from kglb.config.reader import Key, Node, ReportedError, leaf, read_table, table_shape
from kglb.config.values import choice, shape_of, shaped, spelled_by
from kglb.model import Forward

FORWARDS = {
    "masquerade": Forward("masquerade"),
    "direct": Forward("direct"),
    "tunnel": Forward("tunnel"),
    "gue": Forward("tunnel", "gue"),
    "gre": Forward("tunnel", "gre"),
}
"""What the word alone says; ``tunnel`` is IP in IP."""

FORWARD_ALIASES = {"nat": "masquerade", "masq": "masquerade", "dr": "direct", "ipip": "tunnel"}
"""What keepalived, ldirectord and ipvsadm call them."""

CHECKSUMS = {"gue": ("none", "csum", "remcsum"), "gre": ("none", "csum")}
"""The checksums an encapsulation has (ipvsadm(8): --tun-nocsum, --tun-csum, --tun-remcsum)."""

_type = choice(FORWARDS, FORWARD_ALIASES)

FORWARD = (
    Key("type", leaf(_type), required=True),
    Key("port", leaf(network.port)),
    Key("checksum", leaf(choice(("none", "csum", "remcsum")))),
)


@shaped(anyOf=[shape_of(_type), table_shape(FORWARD)])
@spelled_by(str)
def read_forward(node: Node) -> Forward:
    """A forwarding method from a word or a table."""
    if isinstance(node.value, dict):
        return _read_table(node)
    if not isinstance(node.value, str):
        raise RefusedError(f"expected a forwarding method or a table, found {show(node.value)}")
    word = _type(node.value)
    if word == "gue":
        raise RefusedError("gue needs a port", 'write { type = "gue", port = 6080 }')
    return FORWARDS[word]


def _read_table(node: Node) -> Forward:
    values, failed = read_table(node, FORWARD)
    if failed:
        raise ReportedError
    word, port, checksum = values["type"], values.get("port", 0), values.get("checksum", "none")
    if word == "gue" and not port:
        raise RefusedError("gue needs a port", "add port = 6080")
    if word != "gue" and port:
        raise RefusedError(f"only gue has a port, not {word}")
    if checksum not in CHECKSUMS.get(word, ("none",)):
        raise RefusedError(f"{word} has no checksum {checksum}")
    base = FORWARDS[word]
    return Forward(base.method, base.tunnel, port, checksum)
