"""The rules of companies and company groups; no I/O."""
