"""The steps of a trial that need no rows: the team's package, the configuration, the criteria."""

from collections.abc import Iterator

from ...clock import today
from ...config.settings import read_pipeline
from ...config.strict_yaml import parse
from ...data.columns import columns_of
from ...errors import ProductError
from ...evaluation.bootstrap import in_words
from ...gate.criteria_file import check_format
from ...scorecard.criteria_check import check_file
from .state import Finding, Missing, State, given

__all__ = ["check_criteria", "find_target", "load", "read_pipeline_file"]


def load(run: State) -> Iterator[Finding]:
    """Imports the product, and reads the roles of its columns."""
    try:
        run.loaded = run.project.product
    except ProductError:
        raise
    except Exception as error:  # an import runs the team's code
        run.messages.add(str(error))
        yield Finding(
            "files",
            run.placed(
                run.code.of_error(error),
                f"{in_words(error)} – expected files that Python can import – correct this line",
            ),
        )
        return
    run.roles = columns_of(run.loaded.labelled)


def read_pipeline_file(run: State) -> Iterator[Finding]:
    """Reads config/pipeline.yaml."""
    run.pipeline = read_pipeline(run.project.settings.pipeline_file)
    yield from ()


def find_target(run: State) -> Iterator[Finding]:
    """Checks the target column of the schema with the problem of the product."""
    given(run.roles, "files")
    columns = run.product.columns
    # Without a column with the role target, of_target raises ConfigError.
    run.with_problem = columns if columns.of_target else None
    yield from ()


def check_criteria(run: State) -> Iterator[Finding]:
    """Lists all mistakes and warnings of the criteria."""
    path = run.project.settings.criteria_file
    if run.with_problem is None:
        # The names of metrics need the target; the format does not.
        file = parse(path)
        mistakes = tuple(file.listed(check_format(file).mistakes))
        found: tuple[str, ...] = ()
    else:
        checked = check_file(path, run.with_problem, on=today())
        mistakes, found = checked.mistakes, checked.warnings
        if not mistakes:
            run.checked = checked
    for text in mistakes:
        yield Finding("files", run.code.located(text, path))
    for text in found:
        yield Finding("files", run.code.located(text, path), warning=True)
    if run.with_problem is None:
        raise Missing("target")
