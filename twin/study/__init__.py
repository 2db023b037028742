"""Questions planners ask: failures, demands, growth, windows."""
