"""What every room may need: errors, files, processes, memory."""
