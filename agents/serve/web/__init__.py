"""The console: pages and JSON over HTTP, for the people of one room."""
