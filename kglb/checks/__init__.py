"""Probing: one prober for the whole process, and one kind of probe per module.

``make_probe`` turns a check of the config and a real's endpoint into a ``Probe``; the ``Prober`` makes it
when it is due and calls back with an ``Outcome``. The ``Vigil`` holds an idle connection to each real that is watched.
Nothing here keeps a real's health, decides, records, or knows an actor.

==============================  =====================================================================
``outcome``                     what a probe finds
``port``                        what checkers ask of prober and vigil
``prober``                      the batched prober: due times, deadlines, reports
``timetable``                   the heap behind due times and deadlines
``watch``                       which sockets have news
``vigil``                       idle connections whose end is noticed at once
``eagerness``                   what false alarms teach the vigil
``room``                        how many descriptors all of these may take
``gate``                        a balancer's bound on probes under way
``dial``                        sockets, and whom an errno accuses
``marked``                      sockets under a firewall mark
``probe``, ``datagram``         what all probes, and all that send one datagram, have in common
``match``                       what must come back
``dummy``, ``tcp``, ``udp``     kinds
``dns``, ``syslog``, ``ping``   kinds
``program``                     the kind that runs a program (``exec``)
``http``, ``https``             kinds; ``http_request`` and ``http_answer`` are what they say and hear
``secured``, ``tls``            what is over TLS: handshake and session, and whom it trusts
``tls_exchange``                ``tcp`` over TLS
``proxy``, ``redirects``        HTTP through a proxy's tunnel, and hop by hop
``all_of``                      several of these kinds, one after the other
``make``                        from the config to a probe
==============================  =====================================================================
"""
