"""Removes secrets from a text before it is shown, logged or stored in a tag.

Secrets are recognised by the form of the text and not by their values. If values were replaced, a
password that is also the name of the database could be guessed from the places where that name is
missing. If a form is ambiguous, more is removed, not less.
"""

import re

__all__ = ["redacted"]

# The length of the scheme is limited. Otherwise a long text without an address would be searched
# again from each of its letters.
URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30})://(?P<rest>\S+)")

# ``user:password@`` without a scheme before it. The lookbehind lets a match start only at the start
# of a word; otherwise a long word would be searched again from each of its letters.
USERINFO = re.compile(r"(?<![\w/@.+-])[\w.+-]+:[^\s/:@]\S*@(?=[\w\[])")

# What database drivers report as the host if a password contains an @ that was not encoded.
HOST = re.compile(r"((?:\bhost(?:name)?|\bserver at)[ =:]*[\"']?)[^\s\"']*@")

# At least eight characters, so that words such as *bearer token* remain.
BEARER = re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{8,}")
# The path of such an address is the secret.
WEBHOOK = re.compile(r"(hooks\.slack\.com/)\S+")

# The Ed25519 private key of registry/signatures.py: its format gives every such key this beginning.
PRIVATE_KEY = re.compile(r"MC4CAQAwBQYDK2Vw[\w+/=]*")

# ``password=...``, ``"token": "..."``, ``Authorization: Basic ...``. A quote that is not closed
# extends to the end of the text. ``sig`` counts only at the start of a word: ``design=`` is kept.
NAMED = re.compile(
    r"""(?ix)
    (?P<name>
      (?: passw(?:or)?d | passphrase | pwd | token | credential | authorization | signature | \bsig
        | secret (?:[_-]?access)? (?:[_-]?key)? | api[_-]?key | access[_-]?key (?:[_-]?id)?
        | private[_-]?key | signing[_-]?key
      ) s? ["'\\]* \s* (?: = | :(?!//) ) \s*
    )
    (?: '(?:\\.|[^'\\])*(?:'|$) | "(?:\\.|[^"\\])*(?:"|$)
      | (?:basic|bearer|token)\s+\S+ | (?:\\.|\S)+ )
    """,
    re.DOTALL,
)

# Closing brackets and punctuation after an address belong to the text, not to the query.
CLOSING = re.compile(r"[)\]}>\"'.,;:]*$")


def redacted(text: object) -> str:
    """The text without passwords, tokens and keys.

    URLs lose user, password and query; the values of names such as ``token`` become ``***``.
    """
    # Addresses first: NAMED would also remove the punctuation after ``?password=...``.
    shown = URL.sub(_where_it_leads, str(text))
    shown = USERINFO.sub("***@", shown)
    shown = HOST.sub(r"\1", shown)
    shown = WEBHOOK.sub(r"\1***", shown)
    shown = BEARER.sub(r"\1 ***", shown)
    shown = PRIVATE_KEY.sub("***", shown)
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
    # In other addresses, such as s3://bucket/rows-?.csv, the ? matches any character.
    if query and (scheme.lower().startswith("http") or "=" in query):
        closing = CLOSING.search(query)
        rest = path + (closing[0] if closing else "")
    return f"{scheme}://{rest}"
