"""The rules of organisations; no I/O."""
