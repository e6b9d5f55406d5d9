"""The rounding of float64."""

UNIT_ROUNDOFF = 2.0**-53  # of one operation, relative to its result
UNDERFLOW = 1e-290  # more than all that gradual underflow can lose in one bound
