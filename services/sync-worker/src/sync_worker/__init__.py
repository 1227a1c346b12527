"""Retrieval plans, checkpoints, landed accounting data and proofs."""
