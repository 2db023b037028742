"""What the twin expects to be measured."""
