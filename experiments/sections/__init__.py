"""The sections of the findings, each computed from the table of results alone."""
