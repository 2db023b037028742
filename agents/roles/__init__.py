"""The agents: their contracts, conversations, tools and budgets."""
