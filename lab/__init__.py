"""The lab: a real ip_vs kernel as an ordinary process, and the networks, servers and clients to try it with.

``python -m lab run -- COMMAND`` runs a command in Debian's user-mode-linux kernel, so that tests of the data
plane need neither root nor a machine that has ip_vs. Nothing here is installed with the product, or imported
by it.
"""
