"""The error of a model without a certificate. It has its own file, since `certificate` imports torch."""


class NotCertified(Exception):
    """The dtype cannot represent the model's sums exactly; the message says what to do."""
