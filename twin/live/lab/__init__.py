"""Real routers on this machine: FRR in network namespaces, with traffic, probes and faults, and who reads and acts.

Everything runs below one process in namespaces of its own, on a file system in memory: when that process is gone, so
is everything else. `launch` brings it up from outside, `keeper` is what runs inside.
"""
