"""From a certified plan to a changed network: what is typed, made and confirmed, step by step."""
