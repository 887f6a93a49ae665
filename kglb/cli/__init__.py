"""The command line: one module per verb, thin. ``main`` finds the verb, ``wiring`` puts the daemon together."""
