"""What is retrieved for a company, in which order, and when it is proven; no I/O."""
