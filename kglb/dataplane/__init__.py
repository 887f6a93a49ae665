"""Ports to the machine: virtual services, destinations and addresses, in the kernel or in memory.

``port`` says what a data plane is. ``kernel`` is this machine's (``netlink``: the socket, ``ipvs_codec`` and
``ipvs_counters``: the bytes, ``ipvs`` and ``addresses`` on top); ``memory`` is the fake. Both perform operations by
``batches``, refuse by ``rules`` what the kernel would silently take wrongly, and say by ``failures`` what
went wrong. ``address_news`` tells the loop that an address has gone. ``passage`` says, by ``routes``, whether
checks can go through a VIP. ``worker`` carries calls off the event loop. ``route_engine`` is the port to a BGP
engine, with its fake; ``exabgp`` (and ``exabgp_helper``, a process of its own) is the one engine there is.
Nothing here decides what should be in the kernel or announced.
"""
