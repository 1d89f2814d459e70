"""`lockstep run`: runs a program on the exact machine, on one input or on one input of each size."""
