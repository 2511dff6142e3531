"""What happens: plain functions, typed values in, typed values out; no files, no framework."""
