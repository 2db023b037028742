"""Measurements as people have them: counters, rates, flows, probes and logs in files of any make, by mapped columns."""
