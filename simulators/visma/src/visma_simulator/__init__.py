"""A stand-in of Visma Business NXT and Visma Connect, with faults on request."""
