"""Decides again what a journal records as decided: one module for each kind of decision.

An audit looks at a record *before* the state folds it (``check``) and, where it must remember something, after
(``note``). It raises ``Diverged`` where today's decision code says otherwise. Inputs (probes, configs, names, what the
kernel held) are taken as they are. Nothing here reads a journal.
"""
