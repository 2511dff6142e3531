"""The one place that takes secrets out of a text before a person, a tag or a log gets it.

It goes by the form of the text and not by the secrets in use: a password that is also the name of
the database would otherwise be found wherever that name is blacked out. Where a form can be read in
two ways more is taken out, not less.
"""

import re

__all__ = ["redacted"]

URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30})://(?P<rest>\S+)")
"""Bounded: a long text without an address would else be gone through once for each of its letters.
"""

USERINFO = re.compile(r"(?<![\w/@.+-])[\w.+-]+:[^\s/:@]\S*@(?=[\w\[])")
"""``user:password@`` where no scheme stands before it."""

HOST = re.compile(r"((?:\bhost(?:name)?|\bserver at)[ =:]*[\"']?)[^\s\"']*@")
"""What drivers take for the host where a password holds an @ that was not encoded."""

BEARER = re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{8,}")
WEBHOOK = re.compile(r"(hooks\.slack\.com/)\S+")
NAMED = re.compile(
    r"""(?ix)
    (?P<name>
      (?: passw(?:or)?d | passphrase | pwd | token | credential | authorization | signature | \bsig
        | secret (?:[_-]?access)? (?:[_-]?key)? | api[_-]?key | access[_-]?key (?:[_-]?id)?
        | private[_-]?key
      ) s? ["'\\]* \s* (?: = | :(?!//) ) \s*
    )
    (?: '(?:\\.|[^'\\])*(?:'|$) | "(?:\\.|[^"\\])*(?:"|$)
      | (?:basic|bearer|token)\s+\S+ | (?:\\.|\S)+ )
    """,
    re.DOTALL,
)
"""``password=…``, ``"token": "…"``, ``Authorization: Basic …``; a quote that is never closed
reaches to the end.
"""

CLOSING = re.compile(r"[)\]}>\"'.,;:]*$")


def redacted(text: object) -> str:
    """The text without passwords, tokens and keys: URLs lose user, password and query, named values
    are ``***``.
    """
    shown = URL.sub(_where_it_leads, str(text))
    shown = USERINFO.sub("***@", shown)
    shown = HOST.sub(r"\1", shown)
    shown = WEBHOOK.sub(r"\1***", shown)
    shown = BEARER.sub(r"\1 ***", shown)
    return NAMED.sub(r"\g<name>***", shown)


def _where_it_leads(found: re.Match[str]) -> str:
    scheme, rest = found["scheme"], found["rest"]
    before, at, after = rest.rpartition("@")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    if at and ":" in before:  # the password may hold @, / and ? that should have been encoded
        rest = after
    elif "@" in authority:
        rest = rest[authority.rindex("@") + 1 :]
    path, _, query = rest.partition("?")
    if query and (
        scheme.lower().startswith("http") or "=" in query
    ):  # elsewhere ? stands for any character
        closing = CLOSING.search(query)
        rest = path + (closing[0] if closing else "")
    return f"{scheme}://{rest}"
