"""Whether a text shows anything to its reader. Owns what counts as nothing; it changes no text.

Unicode has letters and signs that are drawn as nothing, besides white space and controls: format characters, what may
be left out in drawing (Default_Ignorable_Code_Point, Unicode 15.1 section 5.21), an empty Braille cell. A combining
mark needs something to sit on. `client/src/core/machine/shown_text.ts` judges by the same rule before it sends.
"""

import unicodedata

_EMPTY_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"})
"""Controls, formats, halves of pairs, white space, marks. What is not assigned yet may be tomorrow's emoji."""

_EMPTY_CHARACTERS = frozenset(
    map(
        chr,
        (
            *(0x115F, 0x1160, 0x3164, 0xFFA0),  # Hangul fillers, which are letters
            0x2800,  # an empty cell, which is a symbol
            0x1D159,  # a musical note without a head, which is a symbol
            *(0x2065, *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)),  # reserved for characters of this kind
        ),
    )
)


def is_visible(text: str) -> bool:
    """Whether any of it is drawn."""
    return any(
        character not in _EMPTY_CHARACTERS and unicodedata.category(character) not in _EMPTY_CATEGORIES
        for character in text
    )
