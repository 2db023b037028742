"""What was measured, as it arrived."""
