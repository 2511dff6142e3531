"""Modules that `adopt` copies into a product: candidates for each problem, tests for any schema."""
