"""Outbox, inbox, relay, lanes, retries and parking: delivery one can rely on."""
