"""What visma-connector keeps, and the SQL for it."""
