"""The status address: a live page, metrics and a health answer, served by a small HTTP server of our own. And the
control socket, where orders are taken.

The status address reads projections and counters and changes nothing; orders come over the control socket alone. It
knows no actor: the command line gives it what it reads, and who carries orders out.
"""
