"""The mistakes in the format of a criteria file, and its valid parts.

Pydantic stops before the checks that concern several fields, and the checks that need the product
need criteria. Both therefore run on the valid parts, so that all mistakes are found in one run.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails

from ..config.strict_yaml import Location, Mistake, YamlFile, mistakes_of
from .criteria import BARS, Criteria, CriteriaFile, Criterion, Value, Waiver

__all__ = ["Checked", "check_format"]

# The values that stand for required parts that are not valid.
SPARE: dict[str, Any] = {
    "decision": "-",
    "owner": {"name": "-", "contact": "-"},
    "review_by": date.max,
    "primary": "-",
}
SPARE_CRITERION = {"says": "-", "why": "-", "metric": "-"}
SPARE_WAIVER = {"until": date.min, "by": "-", "why": "-"}
SPARE_ID = "no-id-"
# The fields that the validator of a criterion compares with each other.
COMPARED = {*BARS, "by", "by_class", "leaving_out", "versus"}


class Checked(NamedTuple):
    """The criteria of a file and the mistakes in its format.

    With mistakes, the criteria are only for further checks: spare values stand for parts that are
    not valid.
    """

    criteria: Criteria
    mistakes: tuple[Mistake, ...]
    keyless: frozenset[Location] = frozenset()
    """The entries that have no keys, so that all their values are spare ones."""

    def confirms(self, found: Mistake) -> bool:
        """Whether a mistake that a further check found is about the file, not a spare value."""
        at = found.location
        places = [mistake.location for mistake in self.mistakes]
        if at[:2] in self.keyless or any(place[: len(at)] == at for place in places):
            return False
        in_same_entry = any(place[:2] == at[:2] or place == at[:1] for place in places)
        return not (found.warning and in_same_entry)


def check_format(file: YamlFile) -> Checked:
    """The criteria of ``file`` with every mistake that can be found without the product."""
    criteria, mistakes = file.read(CriteriaFile)
    if criteria is not None:
        return Checked(Criteria.model_validate(dict(criteria)), mistakes)
    return _ValidParts(file.content, mistakes).checked()


class _ValidParts:
    """The parts of the content that have no mistake, and the mistakes found in addition."""

    def __init__(self, content: Any, mistakes: Iterable[Mistake]) -> None:
        self.content: dict[str, Any] = content if isinstance(content, dict) else {}
        self.mistakes = list(mistakes)
        self.places = {mistake.location for mistake in self.mistakes}

    def checked(self) -> Checked:
        """The valid parts as criteria, and all mistakes."""
        lists: dict[str, Any] = {
            part: tuple(self._criterion((part, place), entry) for place, entry in self._list(part))
            for part in ("criteria", "data")
        }
        ids = [criterion.id for part in lists.values() for criterion in part]
        spare = {**SPARE_WAIVER, "criterion": next(iter(ids), SPARE_ID)}
        lists["waivers"] = tuple(
            Waiver.model_validate({**spare, **self._valid(("waivers", place), entry, Waiver)})
            for place, entry in self._list("waivers")
        )
        one = Criterion(id=SPARE_ID + "0", says="-", why="-", metric="-", at_least=0)
        alone = {**SPARE, **self._valid((), self.content, Criteria)}
        alone |= {"criteria": (one,), "data": (), "waivers": ()}
        if "value" in self.content and "value" not in alone:
            alone["value"] = Value(currency="-", true_positive=0, false_positive=0)
        # Copied without validation, because it would stop at the names that are checked next.
        criteria = Criteria.model_validate(alone).model_copy(update=lists)
        self._add(criteria.ids_used_twice())
        if not any(each.startswith(SPARE_ID) for each in ids):
            self._add(criteria.waivers_of_nothing())
        keyless = frozenset(
            (part, place)
            for part in lists
            for place, entry in self._list(part)
            if not isinstance(entry, dict)
        )
        return Checked(criteria, tuple(self.mistakes), keyless)

    def _list(self, part: str) -> Iterator[tuple[int, Any]]:
        entries = self.content.get(part)
        return iter(enumerate(entries if isinstance(entries, list) else ()))

    def _valid(self, at: Location, entry: Any, model: type[BaseModel]) -> dict[str, Any]:
        """The fields of the entry ``at`` a location that have no mistake."""
        wrong = self._wrong(at)
        given = entry if isinstance(entry, dict) else {}
        return {key: given[key] for key in model.model_fields if key in given and key not in wrong}

    def _wrong(self, at: Location) -> set[Any]:
        inner = [place for place in self.places if place[: len(at)] == at and place != at]
        return {place[len(at)] for place in inner}

    def _criterion(self, at: Location, entry: Any) -> Criterion:
        id_ = SPARE_ID + "-".join(map(str, at))
        given = {"id": id_, **SPARE_CRITERION, **self._valid(at, entry, Criterion)}
        try:
            return Criterion.model_validate(given)
        except ValidationError as error:
            # Not if a field that is compared, or a misspelled one, has its own mistake.
            if (
                at not in self.places
                and self._wrong(at) <= Criterion.model_fields.keys() - COMPARED
            ):
                found = mistakes_of(error, Criterion)
                self.mistakes += [replace(each, location=at + each.location) for each in found]
            rest = {key: value for key, value in given.items() if key not in COMPARED}
            return Criterion.model_validate({**rest, "at_least": 0})

    def _add(self, errors: Iterable[InitErrorDetails]) -> None:
        if found := [error for error in errors if error["loc"] not in self.places]:
            error = ValidationError.from_exception_data("Criteria", found)
            self.mistakes += mistakes_of(error, Criteria)
