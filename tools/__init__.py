"""Functions that a model may call, bound to one run: rights, deadlines and result sizes are in the registry."""
