"""Walks the guide as a UI gateway would and shows what it sees."""
