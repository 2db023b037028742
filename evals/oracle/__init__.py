"""Independent oracles: what the twin's own code computes, computed again from the definitions with other means."""
