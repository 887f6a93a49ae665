"""TOML to the model's ``Config``, with every mistake explained at once.

``load`` and ``parse`` give a ``Loaded`` or raise ``ConfigError``; ``describe`` sums a config up. The keys of
each section are a table of rows (in ``document``, ``balancers``, ``reals``, ``forward``, ``checks``): a new
key is one row and one field of the model, whose default is the only one. ``rules`` has what must hold between
keys. ``foreign`` translates KgLb's JSON to such a document, so that ``load`` takes it too.

Nothing here touches the machine, the journal or the network; only ``load`` and secrets read files.
"""
