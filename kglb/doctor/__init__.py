"""What on this machine will cause trouble for a director with this config: facts, and the findings that follow.

``gather`` reads the machine and changes nothing; ``diagnose`` is a pure function of the ``Facts`` it returns. A rule is
a function from facts to findings, beside others of its kind: ``ipvs`` (modules, schedulers, sysctls), ``vips`` (do
packets come to them), ``forwarding`` (do they go on to the reals, and come back), ``tunnels`` (do they fit),
``process`` (capabilities, descriptors, the status address, files), ``storage`` (the journal's disk), ``company`` (other
controllers, the clock). Nothing here knows an actor, and nothing here repairs.
"""
