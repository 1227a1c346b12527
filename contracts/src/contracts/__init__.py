"""The published language: every command, event, topic and example."""
