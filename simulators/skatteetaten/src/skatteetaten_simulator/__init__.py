"""A stand-in of Maskinporten and the A07 report of Skatteetaten, with faults on request."""
