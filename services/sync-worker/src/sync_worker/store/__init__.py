"""What sync-worker keeps, and the SQL for it."""
