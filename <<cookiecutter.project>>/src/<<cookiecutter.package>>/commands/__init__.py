"""What each verb does: given its arguments and the settings, it shows what came of it and returns an exit code.

    training.py      train, and the verdict on the screen
    criteria.py      criteria explain, criteria check
    releases.py      approve, reject, rollback, history, verify
    predictions.py   score, label, coverage, forget, expire
    monitoring.py    monitor, ledger
    serving.py       serve
    operating.py     up, down, status, notify
    data.py          sample, quarantine
    care.py          doctor, review

Everything heavy is imported by the verb that needs it.
"""

CALL = f"python -m {__package__.rpartition('.')[0]}"
"""How a verb is called, for the lines that say what to do next."""
