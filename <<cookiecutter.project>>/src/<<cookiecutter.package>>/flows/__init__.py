"""When things run: the only package that knows Prefect."""
