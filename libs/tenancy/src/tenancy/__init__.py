"""Organisations, their members and roles, and who may send which command."""
