"""Files as tables: every format read as found and written back byte for byte, within limits."""
