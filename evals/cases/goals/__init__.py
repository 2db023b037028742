"""Goals in words: how people put them with what they mean, and readers that get them wrong."""
