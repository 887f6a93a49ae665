"""The HTTP check over TLS."""

from collections.abc import Callable, Mapping

from kglb.checks.dial import Dialer
from kglb.checks.http import HttpProbe
from kglb.checks.http_request import header_value
from kglb.checks.outcome import Outcome
from kglb.checks.secured import SecuredProbe, Security
from kglb.checks.tls import host_name
from kglb.model.check import HttpCheck, SecretRef
from kglb.model.endpoint import Endpoint


class HttpsProbe(SecuredProbe, HttpProbe):
    """An ``HttpProbe`` that shakes hands first."""

    __slots__ = ("security",)

    def __init__(
        self,
        check: HttpCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
        secrets: Mapping[SecretRef, str],
    ) -> None:
        """Raises ValueError as ``HttpProbe``, OSError as ``Security``."""
        super().__init__(check, target, dialer, answered=answered, secrets=secrets)
        # A proxy is not called by the name of what is behind it.
        named = check.sni or ("" if check.proxy_check_url else host_name(header_value(check, "host", secrets)))
        # An address goes into no SNI, but a certificate can be verified against it.
        self.security = Security(check, named or (target.address if check.verify else None))
