"""The rules of Visma connections; no I/O."""
