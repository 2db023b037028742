"""The commands, one module a group: each parses its options and calls one function of the house."""
