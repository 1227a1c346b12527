"""Organisations, members and the Visma customer IDs each organisation holds."""
