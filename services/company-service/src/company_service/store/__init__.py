"""What company-service keeps, and the SQL for it."""
