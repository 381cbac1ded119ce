"""Words of a letter in the form in which they are compared: one spelling, one number, no accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+(?:[.,]\d+)*|[^\w\s]|_")
# Words that say nothing in a name: "the nailfolds", "any rash".
SILENT = frozenset(
    ["the", "a", "an", "his", "her", "their", "its", "your", "my", "our", "some", "any"]
)
_SPELLINGS = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"oedem", "edem"), (r"oesoph", "esoph"), (r"oestr", "estr"), (r"aemi", "emi"),
        (r"^haem", "hem"), (r"anaes", "anes"), (r"aesth", "esth"), (r"^paed", "ped"),
        (r"^orthopaed", "orthoped"), (r"^caec", "cec"), (r"^faec", "fec"), (r"orrhoe", "orrhe"),
        (r"coeli", "celi"), (r"^foet", "fet"), (r"^gynaec", "gynec"), (r"^aeti", "eti"),
        (r"fibre", "fiber"), (r"^centre", "center"), (r"^litre", "liter"), (r"(?<=um)our", "or"),
        (r"^(col|od|behavi|lab|fav)our", r"\1or"), (r"is(?=(e|ed|es|ing|ation|ations)$)", "iz"),
        (r"ys(?=(e|ed|es|ing)$)", "yz"), (r"^sulph", "sulf"), (r"neurone", "neuron"),
        (r"^grey", "gray"), (r"plough", "plow"), (r"ll(?=(ed|ing)$)", "l"),
        (r"^sceptic", "skeptic"), (r"aemat", "emat"), (r"leucop", "leukop"), (r"leucoc", "leukoc"),
        (r"programme", "program"), (r"aetio", "etio"), (r"^ischaem", "ischem"),
    )
)  # fmt: skip
# They end in -ise on both sides of the ocean.
_NOT_BRITISH = tuple(
    stem + end
    for stem in (
        "wis", "ercis", "rais", "dvis", "revis", "ris", "recis", "promis", "supervis", "nois",
        "bruis", "ompris",
    )
    for end in ("e", "ed", "es", "ing")
)  # fmt: skip
_NO_PLURAL = frozenset((
    "his", "this", "was", "has", "does", "is", "as", "us", "its", "gas", "yes", "plus", "less",
    "across", "diabetes", "herpes", "always", "perhaps", "besides", "whereas",
))  # fmt: skip
_IRREGULAR = {
    "calves": "calf", "indices": "index", "nuclei": "nucleus", "feet": "foot", "mice": "mouse",
    "diagnoses": "diagnosis", "criteria": "criterion", "biopsies": "biopsy", "septae": "septum",
    "vertebrae": "vertebra", "scapulae": "scapula", "does": "do", "did": "do", "isnt": "isn't",
    "cant": "can't", "dont": "don't",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or sign: as it is written, as it is compared, and where it stands in the plain text."""

    text: str
    norm: str
    start: int
    end: int

    @property
    def silent(self) -> bool:
        """Tell whether the word can be passed over in a name."""
        return self.norm in SILENT or self.text in "-'_"


def tokens(plain: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """Walk through the words of a text; a word of letters and a number beside it are two."""
    for match in _TOKEN.finditer(plain, start, len(plain) if end is None else end):
        yield Token(match[0], normal(match[0]), match.start(), match.end())


@lru_cache(maxsize=50_000)
def normal(word: str) -> str:
    """Return a word without capitals, accents, plural and possessive, in the American spelling."""
    if not word[0].isalpha():
        return word
    low = word.lower()
    if not low.isascii():
        low = low.replace("ß", "ss").replace("ø", "o").replace("γ", "gamma").replace("α", "alpha")
        low = low.replace("β", "beta").replace("µ", "u")
        low = "".join(c for c in unicodedata.normalize("NFKD", low) if not unicodedata.combining(c))
    if low.endswith(("'s", "s'")):
        low = low[:-2] if low.endswith("'s") else low[:-1]
    low = _IRREGULAR.get(low, low)
    if len(low) > 4 and not low.endswith(_NOT_BRITISH):
        for pattern, to in _SPELLINGS:
            low = pattern.sub(to, low)
    return _singular(low)


def _singular(word: str) -> str:
    if len(word) < 4 or word in _NO_PLURAL or word.endswith(("ss", "us", "is", "'t")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word
