"""What the product costs beside its bare alternative, on this machine, in one run. `make bench`; one file per row."""
