"""Doing many independent pieces of work: here, in processes of this machine, or on a cluster."""
