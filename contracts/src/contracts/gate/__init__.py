"""The contract gate: what today's contracts change for those who rely on the last released ones."""
