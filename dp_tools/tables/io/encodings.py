"""Detects the encoding of a file from its bytes; common encodings come first where there is little evidence.

UTF-8 proves itself. Of the one-byte encodings of the Latin alphabet, the one is taken in which every character beyond
ASCII stands where such a character stands in real text ("Malmö", "22 °C", "15 €"): each gets a plausibility from what
it is and what is beside it, and the encodings are compared by the products. Where none is plausible, charset-normalizer
decides.
"""

from __future__ import annotations

import codecs
import itertools
import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from charset_normalizer import CharsetMatch, from_bytes

LATIN = {
    "cp1252": 0.0,
    "iso8859-15": -1.5,
    "mac-roman": -2.0,
    "cp850": -2.0,
    "cp858": -3.0,
    "cp1250": -2.5,
    "cp1254": -2.5,
    "iso8859-2": -3.5,
}
"""The encodings compared, each with the logarithm of how much rarer than the first it is, by our estimate."""
_OTHERS = (
    *(
        "cp1252",
        "iso8859_15",
        "mac_roman",
        "cp850",
        "cp437",
        "cp1250",
        "cp1251",
        "cp1253",
        "cp1254",
        "cp1255",
        "cp1256",
    ),
    *("cp1257", "cp1258", "iso8859_2", "iso8859_4", "iso8859_5", "iso8859_6", "iso8859_7", "iso8859_8", "iso8859_9"),
    *("iso8859_13", "koi8_r", "koi8_u", "kz1048", "cp866", "cp855", "cp852", "mac_cyrillic", "mac_greek", "mac_latin2"),
    *("mac_turkish", "tis_620", "shift_jis", "cp932", "euc_jp", "iso2022_jp", "gb18030", "gbk", "gb2312", "big5"),
    *("cp950", "big5hkscs", "euc_kr", "cp949", "johab", "hz", "utf_7"),
)
"""What charset-normalizer chooses from: what people write in, without the encodings of mainframes and of printers."""

_LETTERS = {
    1.0: "éüöäáóíñç",
    0.7: "èàãåøæßêúôşıčřžěłąęśżćń",
    0.4: "ëïšâõœýùòůőňűăźťďğ",
    0.2: "îûìðÉÜÖÄÅØÁÓÇÑÀÈÍÚÆŠŽČŘŁŚŻİŞ",
    0.1: "đþÊÔÂÎÃÕŒÝÒÌÙËÞŹĆŐĎŤĐĂ",
    0.03: "ÿŸÏÛÐƒľĺŕŇŰŔĹĽŮĚĄĘŃĞ",
}
_OF_LETTER = {letter: weight for weight, letters in _LETTERS.items() for letter in letters}
_VOWELS = set("aeiouy")
_IMPLAUSIBLE = 0.003
_ODD = 0.02
_LOOKED_AT = 10_000
_LONG = 2**16
_CONTEXTS: tuple[tuple[str, str, str, float], ...] = (
    # characters, pattern before, pattern after, plausibility
    ("€£", r"[\d\s(,;|\t\"-]$|^$", r"^[\s\d),;|\t\"/-]|^$", 0.9),
    ("€£", r".$", r"^\d", 0.3),
    ("¥¢", r"[\d\s,;\t]$|^$", r"^[\s\d,;\t]|^$", 0.1),
    ("°", r"[\d\s]$", r"^[\sCFKNSEW,;.)\t\"'\d/]|^$", 0.9),
    ("º", r"[\dNn]$", r"^[\s,;.)\tCFNSEW\"]|^$", 0.3),
    ("ª", r"\d$", r"^[\s,;.)\t\"]|^$", 0.3),
    ("²³", r"[mM\d]$", r"^[\s,;./)\t\"]|^$", 0.7),
    ("½¼¾", r"[\d\s,;\t\"]$|^$", r"^[\s\"'″,;\t-]|^$", 0.5),
    ("±", r"[\d\s,;\t(\"]$|^$", r"^[\s\d]", 0.4),
    ("×", r"[\d\s]$", r"^[\d\s]", 0.6),
    ("µ", r"[\d\s,;\t\"]$|^$", r"^[a-zA-Z]", 0.6),
    ("÷", r"[\d\s]$", r"^[\d\s]", 0.1),
    ("®™©", r"[\w)\s]$", r"^[\s,;.)\t\"\-]|^$", 0.5),
    ("©", r"^$|[\s,;\t\"]$", r"^[\s\d]", 0.5),
    ("§", r"^$|[\s,;\t\"(]$", r"^[\s\d§]", 0.5),
    ("’", r"\w$", r"^(s|t|re|ll|ve|d|m)([\s,;.)\t\"!?]|$)", 0.6),
    ("’", r"\w$", r"^([\s,;.)\t\"!?]|$)", 0.1),
    ("’", r"(^|[^\w])([A-Za-z]|Mc|[Qq]u|[JjLl]usqu)$", r"^\w", 0.7),
    ("’", r"\w$", r"^\w", 0.05),
    ("‘", r"^$|[\s,;\t\"(]$", r"^[\w]", 0.1),
    ("“„«", r"^$|[\s,;\t\"(|]$", r"^[\w\s]", 0.3),
    ("”»", r"[\w.!?%\s]$", r"^[\s,;.)\t\"]|^$", 0.3),
    ("“", r"[\w.!?]$", r"^[\s,;.)\t\"]|^$", 0.03),
    ("–—", r"\s$", r"^\s", 0.8),
    ("–", r"\d$", r"^\d", 0.6),
    ("–—", r"[\w\s,;\t\"]$|^$", r"^[\w\s,;\t\"]|^$", 0.08),
    ("…", r"[\w\s]$", r"^[\s,;.)\t\"\w]|^$", 0.4),
    ("•", r"^$|[\s,;\t\"]$", r"^\s", 0.4),
    ("·", r"[\w\s]$", r"^[\w\s]", 0.1),
    ("¿¡", r"^$|[\s,;\t\"(]$", r"^[A-ZÁÉÍÓÚÑ]", 0.5),
    ("\xa0", r"[\w\s,;.%:«€°]$", r"^[\w\s€%°»:?!(-]", 0.3),
    ("†‡", r"\w$", r"^[\s,;.\t]|^$", 0.1),
    ("‰", r"[\d\s]$", r"^[\s,;.\t]|^$", 0.2),
    ("≤≥≈≠", r"[\s,;\t\"]$|^$", r"^[\s\d]", 0.1),
)
_RULES = tuple(
    (set(marks), re.compile(before), re.compile(after), weight) for marks, before, after, weight in _CONTEXTS
)


@dataclass(frozen=True, slots=True)
class Guess:
    """An encoding detected from bytes.

    Args:
        encoding: its name.
        certainty: "" where the bytes prove it, else how sure that is: almost certainly, probably, or perhaps.
        other: the next best encoding, where there is one.
    """

    encoding: str
    certainty: str = ""
    other: str | None = None

    @property
    def note(self) -> str:
        """A sentence for a person, "" where there is nothing to say."""
        if not self.certainty:
            return ""
        else_ = f" ({self.other} is the next best)" if self.other else ""
        return (
            f"The encoding is {self.certainty} {self.encoding}{else_}; name another if letters look wrong. What is "
            "not changed is written back byte for byte."
        )


def guess_encoding(sample: bytes) -> Guess | None:
    """The encoding of the beginning of a file without a byte order mark; None where nothing fits.

    Args:
        sample: the beginning; it may end inside a character.
    """
    if wide := _wide(sample):
        return Guess(wide, "almost certainly")
    if _decoded(sample, "utf-8") is not None:
        return Guess("utf-8")
    latin = _latin(sample)
    if latin is not None and latin[0] and latin[1].encoding in ("cp1252", "iso8859-15"):
        return latin[1]
    return _guess_among_others(sample, latin)


def _guess_among_others(sample: bytes, latin: tuple[bool, Guess] | None) -> Guess | None:
    """The guess where neither Unicode nor a Western encoding fits well.

    Args:
        sample: the beginning of the file.
        latin: the most plausible Latin encoding and whether it is plausible enough.
    """
    fits = latin is not None and latin[0]
    found = _found_by_statistics(sample)
    # Bytes of Katakana look like accented letters of DOS; but then they make whole words of another script.
    least = 2 if fits else 1
    foreign = next((guess for guess in found if _is_of_another_script(str(guess), least)), None)
    if not (fits or _is_clear(foreign)) and (cyrillic := _cyrillic(sample)):
        return Guess(cyrillic, "probably")
    if latin is not None and foreign is None and (fits or not _is_another_latin(found, sample)):
        return latin[1] if fits else Guess(latin[1].encoding, "perhaps", latin[1].other)
    best = foreign or next(iter(found), None)
    return None if best is None else _as_guess(best, found, sample)


def _found_by_statistics(sample: bytes) -> list[CharsetMatch]:
    """What charset-normalizer finds, the best first; it takes a character that is cut off for a wrong one."""
    lines = sample[: sample.rfind(b"\n") + 1] if len(sample) > _LONG else sample
    return list(from_bytes(lines or sample, cp_isolation=list(_OTHERS)))


def _is_clear(guess: CharsetMatch | None) -> bool:
    return guess is not None and guess.chaos <= 0.05


def _is_another_latin(found: Sequence[CharsetMatch], sample: bytes) -> bool:
    """Whether what charset-normalizer found best makes words, and there is enough of it to tell."""
    return bool(found) and found[0].coherence >= 0.5 and not _thin(sample)


def _as_guess(best: CharsetMatch, found: Sequence[CharsetMatch], sample: bytes) -> Guess:
    """What charset-normalizer found best, with the next best."""
    others = [guess.encoding for guess in found if guess.encoding != best.encoding]
    sure = best.coherence >= 0.5 and not _thin(sample)
    return Guess(codecs.lookup(best.encoding).name, "probably" if sure else "perhaps", next(iter(others), None))


def _wide(sample: bytes) -> str | None:
    """UTF-16 by its zero bytes: those of digits, commas and line ends all stand at one side of their pairs."""
    zeros = sample[::2].count(0), sample[1::2].count(0)
    if len(sample) < 4 or sum(zeros) < 0.02 * len(sample) or min(zeros) > 0.01 * max(zeros):
        return None
    encoding = "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    return encoding if _decoded(sample, encoding) is not None else None


def _latin(sample: bytes) -> tuple[bool, Guess] | None:
    """The most plausible Latin encoding and whether it is plausible enough; None where none can be read."""
    scores: dict[str, float] = {}
    readings: dict[str, str] = {}
    odd: dict[str, float] = {}
    for encoding, rarity in LATIN.items():
        text = _decoded(sample, encoding)
        if text is None:
            continue
        weights = list(_plausibilities(text))
        scores[encoding] = rarity + sum(map(math.log, weights))
        readings[encoding] = text
        odd[encoding] = sum(weight <= _ODD for weight in weights) / max(len(weights), 1)
    if not scores:
        return None
    ranked = sorted(scores, key=lambda name: -scores[name])
    best = ranked[0]
    rivals = [name for name in ranked[1:] if readings[name] != readings[best]]
    margin = scores[best] - scores[rivals[0]] if rivals else math.inf
    certainty = "almost certainly" if margin > 6 else "probably" if margin > 2 else "perhaps"
    return odd[best] <= 0.05, Guess(best, certainty, rivals[0] if rivals else None)


def _plausibilities(text: str) -> Iterator[float]:
    """The plausibility of each different character beyond ASCII with what is beside it, 0 to 1."""
    seen: set[str] = set()
    for count, found in enumerate(re.finditer(r"[^\x00-\x7f]", text)):
        place = found.start()
        begin = max(text.rfind("\n", max(place - 4, 0), place) + 1, place - 4, 0)
        context = text[begin : place + 4]
        if count == _LOOKED_AT:
            return
        if context in seen:
            continue
        seen.add(context)
        fit = _plausibility(found[0], text[begin:place], text[place + 1 : place + 4].split("\n")[0].rstrip("\r"))
        yield max(_IMPLAUSIBLE, fit * (0.1 if found[0] in "“”„»«" and _is_alone(text, place) else 1.0))


def _plausibility(mark: str, before: str, after: str) -> float:
    if mark.isalpha() and mark not in "ºªµ":
        return max(_IMPLAUSIBLE, min(1.0, _OF_LETTER.get(mark, 0.0) * _fit(mark, before, after)))
    fits = [
        weight for marks, left, right, weight in _RULES if mark in marks and left.search(before) and right.match(after)
    ]
    return max(fits, default=_IMPLAUSIBLE)


def _is_alone(text: str, place: int) -> bool:
    """Whether a quotation mark has no other in its line."""
    begin, end = text.rfind("\n", 0, place) + 1, text.find("\n", place)
    line = text[begin : end if end >= 0 else None]
    return sum(line.count(mark) for mark in "“”„»«") < 2


def _fit(letter: str, before: str, after: str) -> float:
    """How well a letter stands in its word: capitals at the start or among capitals, hardly beside another accent."""
    left, right = before[-1:], after[:1]
    fit = (
        _fit_of_accents(letter, left, right) * _fit_of_language(letter, left, right) * _fit_of_case(letter, left, right)
    )
    return fit * 0.02 if left.isdigit() or right.isdigit() else fit


def _fit_of_accents(letter: str, left: str, right: str) -> float:
    """How well it stands beside other letters with accents."""
    beside = [mark for mark in (left, right) if mark and not mark.isascii() and mark.isalpha()]
    if len(beside) == 2:
        return 0.01
    if beside and beside[0].lower() != letter.lower():
        pair = beside[0].lower() + letter.lower()
        return 0.5 if "".join(sorted(pair)) in _PAIRS or "ð" in pair else 0.03
    return 1.0


def _fit_of_language(letter: str, left: str, right: str) -> float:
    """How well it stands where the languages that write it have it: at an end, at a beginning, beside vowels."""
    fit = 1.0
    if (letter in "öüäå" and left in _VOWELS) or (letter in "šž" and left.isalpha() and left not in _VOWELS):
        fit *= 0.3
    if letter in "àèìòù" and left.isalpha() and not right.isalpha():
        fit *= 2
    if letter in "ëõùòìûñ" and not left.isalpha() and right.isalpha():
        fit *= 0.1
    if letter == "ë" and left not in _VOWELS and right not in _VOWELS:
        fit *= 0.3
    return fit


def _fit_of_case(letter: str, left: str, right: str) -> float:
    """How well a capital, or a small letter, stands between its neighbours, or alone."""
    alone = not left.isalpha() and not right.isalpha()
    if letter.isupper():
        fit = 2.0 if not left.isalpha() and right.islower() else 1.0
        if left.islower():
            return fit * 0.01
        return fit * 0.1 if alone or (right.islower() and left.isupper()) else fit
    if right.isupper():
        return 0.02
    if alone:
        return 0.5 if letter in "àéèóôåøöæ" else 0.05
    return 1.0


_BESIDE = (
    *("çã", "çõ", "äö", "ñó", "íñ", "áí", "ýá", "íé", "øå", "ýé"),
    *("çú", "šž", "ří", "šť", "ůž", "łó", "žá", "þó", "čá", "žď"),
)
_EAST = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "FULLWIDTH"}
_PAIRS = {"".join(sorted(pair)) for pair in _BESIDE}


def _cyrillic(sample: bytes) -> str | None:
    """The first Cyrillic encoding in which all is words with capitals at their beginning only, or throughout."""
    for encoding in ("cp1251", "koi8-r", "cp866"):
        text = _decoded(sample, encoding)
        if text is not None and _is_of_another_script(text, 3):
            words = re.findall(r"[^\W\d_]*[^\x00-\x7f][^\W\d_]*", text)[:_LOOKED_AT]
            if sum(word.isupper() or word[1:] == word[1:].lower() for word in words) >= 0.95 * len(words):
                return encoding
    return None


def _is_of_another_script(text: str, least: int) -> bool:
    """Whether the characters beyond ASCII are letters of one script that is not Latin, in words without Latin ones.

    Args:
        text: the text.
        least: how many of them a word has on average at least.
    """
    words = [found[0] for found in itertools.islice(re.finditer(r"\w*[^\x00-\x7f]\w*", text), _LOOKED_AT)]
    scripts = {unicodedata.name(mark, "").split(" ")[0] for word in words for mark in word if not mark.isdigit()}
    if not scripts or scripts & {"LATIN", ""} or not (len(scripts) == 1 or scripts <= _EAST):
        return False
    return sum(map(len, words)) >= least * len(words)


def _thin(sample: bytes) -> bool:
    return len(re.findall(rb"[\x80-\xff]+", sample)) < 4


def _decoded(sample: bytes, encoding: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return None
