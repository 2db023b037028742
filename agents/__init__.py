"""The four roles at work: contracts, the driver, models, the journal and the record of a run."""
