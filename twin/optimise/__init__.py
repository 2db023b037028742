"""The planners: each returns a plan, the bound it was measured against, and the gap, or says why there is none."""
