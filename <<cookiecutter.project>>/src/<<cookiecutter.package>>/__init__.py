"""The map of this package.

    cli.py          the verbs; commands/ is what each does            what a person or a shell calls
    flows/          WHEN things run                                   the only Prefect
    steps/          WHAT happens: values in, values out               pandas, scikit-learn
    stores/         WHERE things are kept                             files, a database, MLflow
    criteria.py     criteria and measurements
    judge.py        holds one against the other: one bar (bars.py), many slices (families.py)
    document.py     decision.json, from which everything shown is drawn
    config.py       product/ and config/ as strict models; addresses from the environment
    identities.py   under which number a prediction is logged and its label found
    columns.py      what each column of the schema is for
    schemas.py      what rows must look like at each border           yours
    candidates.py   the models that compete, and the rule of thumb    yours
    sample.py       synthetic data to begin with (synthetic.py helps)  yours, until you have real data

Imports point one way: cli, flows -> steps, stores -> criteria, config, columns, schemas. Steps and
stores do not know each other; tests/test_architecture.py keeps it so.
"""

__all__ = ["PRODUCT"]

PRODUCT = "<<cookiecutter.project>>"
"""What this product is called wherever it leaves a trace: the experiment, the registered model."""
