"""Where things are worded, tabled and drawn for people."""
