"""Which column is the key, the time, the group, a feature, personal data, or none of these."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from ..errors import ConfigError
from ..tables import SOURCE_ROW
from .findings import Finding
from .kinds import KEY_NAME, Content

__all__ = ["Roles", "Wishes", "roles_of"]

# Of several dates, the time of the row is probably one with such a name.
TIME_NAME = re.compile(r"date|time|day|timestamp|created|observed|recorded|month|period", re.I)
NOT_THE_TIME = re.compile(r"birth|dob|expir|due|end|start|signup|joined|since|until|valid", re.I)
# Whoever has several rows. Of a shop or a machine, the value itself is a feature more often.
SUBJECT_NAME = re.compile(
    r"^(subject|patient|person|participant|respondent|individual|customer|client|user|member"
    r"|household|family|student|pupil|employee|worker|animal)s?$",
    re.I,
)
TIMES_AT_LEAST = 20  # different ones, for a split by time
REPEATED_AT_LEAST = 2.0  # rows per value of a group, on average

PRIVATE_NAME = re.compile(
    r"e.?mail|phone|mobile|\btel\b|^tel_|fax|iban|passport|ssn|social.?security|tax.?id"
    r"|(first|last|sur|family|given|middle|maiden|full|customer|client|person|user).?name"
    r"|^name$|street|address|postal.?address|ip.?addr|licen[cs]e.?plate|credit.?card|card.?number",
    re.I,
)
PRIVATE = {
    "e-mail addresses": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "IBANs": re.compile(r"[A-Z]{2}\d{2}(\s?[A-Z0-9]{4}){2,7}\s?[A-Z0-9]{0,4}"),
    "telephone numbers": re.compile(
        r"(\+|00)\d[\d\s()/.-]{6,18}|\(?0\d{1,5}\)?[\s/-]\d[\d\s-]{4,14}"
    ),
    "card numbers": re.compile(r"\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}"),
}
PRIVATE_SHARE = 0.5
CELLS_LOOKED_AT = 2_000


@dataclass(frozen=True)
class Wishes:
    """The columns that a person named: roles, and which columns to leave out or to keep."""

    key: str | None = None
    time: str | None = None
    group: str | None = None
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """The named columns by their flag."""
        single = {"--key": self.key, "--time": self.time, "--group": self.group}
        found = {flag: (name,) for flag, name in single.items() if name}
        return {**found, "--drop": self.drop, "--keep": self.keep}


@dataclass(frozen=True)
class Roles:
    """The role of each column; ``private`` are never read, ``ignored`` have the reason.

    ``repeated`` is true if several rows have the same key.
    """

    key: str
    time: str | None
    group: str | None
    features: tuple[str, ...]
    private: Mapping[str, str]
    ignored: Mapping[str, str]
    repeated: bool
    findings: tuple[Finding, ...]


def roles_of(table: pd.DataFrame, contents: Mapping[str, Content], wishes: Wishes) -> Roles:
    """The roles of the columns. Raises ConfigError for a wish that the table does not allow."""
    for flag, names in wishes.named.items():
        for name in names:
            if name not in contents:
                raise ConfigError(
                    f"{flag} {name}: there is no such column – expected one of"
                    f" {', '.join(contents)}"
                )
    private = {
        name: reason
        for name in contents
        if name not in (*wishes.keep, wishes.key, wishes.time, wishes.group)
        and (reason := _private(table[name], contents[name]))
    }
    open_ones = {name: each for name, each in contents.items() if name not in private}
    time, of_time = _time(table, open_ones, wishes)
    key, of_key = _key(table, open_ones, wishes, time)
    group, of_group = _group(table, open_ones, wishes, key, time)
    taken = {key, time, group}
    ignored = _ignored(table, open_ones, wishes, taken)
    features = tuple(n for n in open_ones if n not in taken and n not in ignored)
    of_private = (
        Finding("personal data", f"{name}: {reason}", "it is never read", f"--keep {name}")
        for name, reason in private.items()
    )
    of_ignored = (
        Finding("no feature", f"{name}: {reason}", "", f"--keep {name}")
        for name, reason in ignored.items()
    )
    repeated = key != SOURCE_ROW and bool(table[key].duplicated().any())
    return Roles(
        key,
        time,
        group,
        features,
        private,
        ignored,
        repeated,
        (of_key, of_time, of_group, *of_private, *of_ignored),
    )


def _private(column: pd.Series, content: Content) -> str | None:
    """Why the column is personal data, None if it is not."""
    if content.kind in ("empty", "constant", "yes or no", "date"):
        return None
    cells = column.dropna().astype("str").str.strip()
    cells = cells[cells != ""].head(CELLS_LOOKED_AT)
    if content.kind != "number":
        for what, pattern in PRIVATE.items():
            share = cells.str.fullmatch(pattern).mean() if len(cells) else 0.0
            if share >= PRIVATE_SHARE:
                return f"{share:.0%} of its cells are {what}"
    # A name alone is not enough for a number: "mobile" can be a count of calls.
    # A category of a few values, such as "mobile" as a kind of contract, is no personal data.
    few = content.kind == "category" and content.values
    if content.kind != "number" and not few and PRIVATE_NAME.search(content.name):
        return "its name is that of personal data"
    return None


def _key(
    table: pd.DataFrame, contents: Mapping[str, Content], wishes: Wishes, time: str | None
) -> tuple[str, Finding]:
    if wishes.key is not None:
        if table[wishes.key].isna().any():
            raise ConfigError(
                f"--key {wishes.key}: {int(table[wishes.key].isna().sum()):,} rows have no"
                f" {wishes.key} – expected a key in each row – name another column"
            )
        return wishes.key, Finding("key", wishes.key, "as given", "--key COLUMN")
    candidates = [
        each
        for each in contents.values()
        if each.kind == "identifier" and each.name not in (wishes.time, wishes.group, *wishes.drop)
    ]
    # Text that is unique may be a remark; a name or a single word shows that it is a key.
    named = [each for each in candidates if KEY_NAME.search(each.name)]
    for found in (*named, *candidates):
        if not table[found.name].duplicated().any():
            return found.name, Finding("key", found.name, found.evidence, "--key COLUMN")
    different = table.drop_duplicates()
    repeated = [
        name
        for name, each in contents.items()
        if _repeats(table[name], each)
        and name != wishes.group
        # Of two rows with the same key and time, validation rejects one.
        and not (time and different.duplicated([name, time]).any())
    ]
    if repeated:
        name = repeated[0]
        rows = len(table) / table[name].nunique()
        evidence = f"{table[name].nunique():,} different, {rows:.1f} rows of each on average"
        return name, Finding("key", name, evidence, "--key COLUMN")
    return SOURCE_ROW, Finding(
        "key",
        f"{SOURCE_ROW}, the number of the row in its file",
        "no column has another value in each row",
        "--key COLUMN",
    )


def _repeats(column: pd.Series, content: Content) -> bool:
    """Whether the column identifies subjects that have several rows each."""
    if not (KEY_NAME.search(content.name) or SUBJECT_NAME.match(content.name)):
        return False
    if content.kind not in ("identifier", "category", "number") or content.values:
        return False
    if content.kind == "number" and not content.whole:
        return False
    different = column.nunique()
    many = different > 50 and len(column) / different >= REPEATED_AT_LEAST
    return many and not column.isna().any()


def _time(
    table: pd.DataFrame, contents: Mapping[str, Content], wishes: Wishes
) -> tuple[str | None, Finding]:
    flag = "--time COLUMN"
    if wishes.time is not None:
        content = contents[wishes.time]
        if content.kind != "date" or content.has_missing:
            raise ConfigError(
                f"--time {wishes.time}: it contains {content.evidence} – expected a date in each"
                " row – name another column"
            )
        return wishes.time, Finding("time", wishes.time, f"as given: {content.evidence}", flag)
    dates = [each for each in contents.values() if each.kind == "date"]
    usable = [
        each
        for each in dates
        if not each.has_missing
        and each.different >= TIMES_AT_LEAST
        and not NOT_THE_TIME.search(each.name)
        and each.name not in (*wishes.drop, wishes.key, wishes.group)
        and not each.doubt
        and not each.is_future
    ]
    named = [each for each in usable if TIME_NAME.search(each.name)] or usable
    if named:
        best = max(named, key=lambda each: each.different)
        return best.name, Finding("time", best.name, best.evidence, flag)
    why = "no column is a date"
    if dates:
        first = dates[0]
        why = f"{first.name} is not usable as the time of its row: " + (
            first.doubt
            or ("some rows have none" if first.has_missing else "")
            or ("some are in the future" if first.is_future else "")
            or ("fewer than 20 different" if first.different < TIMES_AT_LEAST else "its name")
        )
    return None, Finding("time", "none", why, flag)


def _group(
    table: pd.DataFrame,
    contents: Mapping[str, Content],
    wishes: Wishes,
    key: str,
    time: str | None,
) -> tuple[str | None, Finding]:
    flag = "--group COLUMN"
    if wishes.group is not None:
        return wishes.group, Finding("group", wishes.group, "as given", flag)
    for name, each in contents.items():
        if name in (key, time, *wishes.drop, *wishes.keep):
            continue
        if _repeats(table[name], each):
            rows = len(table) / table[name].nunique()
            return name, Finding(
                "group",
                name,
                f"{table[name].nunique():,} different, {rows:.1f} rows of each on average",
                flag,
            )
    return None, Finding(
        "group", "none", "no other column identifies subjects with several rows", flag
    )


def _ignored(
    table: pd.DataFrame,
    contents: Mapping[str, Content],
    wishes: Wishes,
    taken: Collection[str | None],
) -> dict[str, str]:
    found = {}
    for name, each in contents.items():
        if name in taken:
            continue
        if name in wishes.drop:
            found[name] = "as given with --drop"
        elif name in wishes.keep and each.kind not in ("empty", "constant"):
            continue
        elif each.kind in ("empty", "constant"):
            found[name] = each.evidence
        elif each.kind == "identifier":
            every = each.different == len(table)
            found[name] = (
                f"it identifies {'the row' if every else 'few rows each'}: {each.evidence}"
            )
        elif each.kind == "date" and each.doubt:
            found[name] = f"{each.evidence}; {each.doubt}"
    return found
