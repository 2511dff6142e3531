"""Where things are kept: files, a database, MLflow."""
