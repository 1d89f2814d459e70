"""What a decode will cost before it is made: closed forms for steps, context and tokens, a calibrated model for time and memory."""
