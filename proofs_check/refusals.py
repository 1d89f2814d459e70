"""What is refused for not being certified. Apart from `lockstep.proofs_check.certificate`, so that it is there without torch."""


class NotCertified(Exception):
    """The dtype cannot hold the model's sums exactly; the message says what to do."""
