"""The network, its digital twin and the gate: no language model, no web, nothing that needs the outside world."""
