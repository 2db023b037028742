"""What is kept of a run, and who may decide about it: journal, approvals, history, traces."""
