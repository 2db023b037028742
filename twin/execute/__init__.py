"""A certified plan on its way into the live network: step by step, watched, and taken back."""
