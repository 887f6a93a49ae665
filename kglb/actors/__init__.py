"""The shell: actors on one loop that own time and I/O and call the pure functions below them.

``runtime``: the actor type; ``recorder``: facts; ``supervisor`` starts ``balancer`` (one per virtual service), which
starts ``checker`` (one per real), and the ``applier``, which alone touches the machine; ``adoption`` and ``recovery``:
what a start finds; ``marking`` and ``paths``: checks through the VIP; ``daemon``: beginning and end.
"""
