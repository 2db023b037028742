"""Questions in SQL: what may be asked, of which tables, in which process."""
