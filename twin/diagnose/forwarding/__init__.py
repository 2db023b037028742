"""Routers that forward otherwise than the IGP says: what then loads links, loses probes and unbalances nodes."""
