"""Running suites: cases, workers, records, tables."""
