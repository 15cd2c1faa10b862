"""Undo disguises of text: look-alike, hidden and spaced-out letters become plain ones.

This serves to inspect texts. It never changes what is scored or shown to a judge.
"""

from __future__ import annotations

import re
import unicodedata

_LOOK_ALIKES = {
    "a": "аɑαᴀ",
    "b": "Ьƅʙ",
    "c": "сϲᴄ",
    "d": "ԁɗᴅ",
    "e": "еҽєεᴇ",
    "f": "ꜰ",
    "g": "ɡցɢ",
    "h": "һհʜ",
    "i": "іıιɩɪ",
    "j": "јϳᴊ",
    "k": "кκᴋ",
    "l": "ӏǀʟ",
    "m": "мᴍ",
    "n": "ոпɴ",
    "o": "оοօσᴏ",
    "p": "рρᴘ",
    "q": "ԛզ",
    "r": "гᴦʀ",
    "s": "ѕꜱ",
    "t": "тτᴛ",
    "u": "υսᴜ",
    "v": "ѵνᴠ",
    "w": "ԝѡωᴡ",
    "x": "хχ",
    "y": "уүγʏ",
    "z": "ᴢ",
    "A": "АΑ",
    "B": "ВΒ",
    "C": "СϹ",
    "E": "ЕΕ",
    "G": "Ԍ",
    "H": "НΗ",
    "I": "ІΙ",
    "J": "ЈͿ",
    "K": "КΚ",
    "M": "МΜ",
    "N": "Ν",
    "O": "ОΟ",
    "P": "РΡ",
    "S": "Ѕ",
    "T": "ТΤ",
    "V": "Ѵ",
    "W": "Ԝ",
    "X": "ХΧ",
    "Y": "ҮΥ",
    "Z": "Ζ",
}
"""For each Latin letter the Cyrillic, Greek, Armenian, phonetic and other letters that look almost the same."""

_LATIN = str.maketrans({other: letter for letter, others in _LOOK_ALIKES.items() for other in others})
_DIGITS_AS_LETTERS = str.maketrans("013457@$", "oleastas")
_TAGS = {code: chr(code - 0xE0000) for code in range(0xE0020, 0xE007F)}
"""Tag characters: invisible doubles of ASCII."""
_REVERSED = re.compile("[\u202e\u2067]([^\u202c\u2069\n]*)[\u202c\u2069]?")
_SPACED_OUT = re.compile(r"(?<![^\W_])[^\W_](?:[ .*_·-][^\W_]){4,}(?![^\W_])")
_LETTER_AND_DIGIT = re.compile(r"(?<![\w@$])(?=[\w@$]{0,30}[a-zA-Z])(?=\w{0,30}[013457@$])[\w@$]{4,30}")


def readings(text: str) -> tuple[str, ...]:
    """Return the text as it is, followed by each different text that a step of undoing disguises gives."""
    # ASCII hides nothing, and most answers are ASCII
    shown = text if text.isascii() else _without_hidden(text)
    latin = shown if shown.isascii() else _marks_dropped(shown).translate(_LATIN)
    joined = _SPACED_OUT.sub(lambda match: re.sub(r"[ .*_·-]", "", match[0]), latin)
    spelled = _LETTER_AND_DIGIT.sub(lambda match: match[0].translate(_DIGITS_AS_LETTERS), joined)
    return tuple(dict.fromkeys((text, shown, latin, joined, spelled)))


def _without_hidden(text: str) -> str:
    forward = _REVERSED.sub(lambda match: match[1][::-1], text)
    compatible = unicodedata.normalize("NFKC", forward.translate(_TAGS))
    return "".join(char for char in compatible if unicodedata.category(char) not in {"Cf", "Co", "Cn"})


def _marks_dropped(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize(
        "NFC", "".join(char for char in decomposed if not unicodedata.combining(char))
    )
