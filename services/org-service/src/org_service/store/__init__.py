"""What org-service keeps, and the SQL for it."""
