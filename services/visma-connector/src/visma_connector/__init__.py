"""The state of each Visma connection and the companies it reaches."""
