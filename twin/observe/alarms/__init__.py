"""What in the measurements calls for somebody."""
