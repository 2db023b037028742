"""How far measurements can be believed."""
