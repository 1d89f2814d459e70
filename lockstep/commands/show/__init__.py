"""`lockstep show`: a page that plays a run beside its decodes; a folder of such pages of all examples."""
