"""The operations room: a watch that goes on for months, its incidents, calendar, deliveries, and the console."""
