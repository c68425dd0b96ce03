"""Which of the encodings that there are of a file a browser gets (RFC 9110, section 12.5.3). Pure."""

from collections.abc import Collection

IDENTITY = "identity"

PREFERRED = ("br", "gzip", IDENTITY)
"""The smallest first: it breaks ties, and browsers weigh nothing."""


def choose(accepted: str | None, available: Collection[str]) -> str:
    """The one of `available` that `Accept-Encoding` likes best.

    Without the header, and where it allows nothing that there is, the file goes as it is: a browser that can't read
    that has no page at all.
    """
    if accepted is None:
        return IDENTITY
    weights = _weights(accepted)
    rest = weights.get("*")

    def weight(coding: str) -> float:
        if coding in weights:
            return weights[coding]
        if rest is not None:
            return rest
        # What is not named is refused, except for the file as it is, which is always the last choice.
        return 1e-6 if coding == IDENTITY else 0.0

    best = max((coding for coding in PREFERRED if coding in available), key=weight, default=IDENTITY)
    return best if weight(best) > 0 else IDENTITY


def _weights(accepted: str) -> dict[str, float]:
    """Weights by coding. One that can't be read is taken for a refusal, since another encoding always works."""
    weights: dict[str, float] = {}
    for element in accepted.split(","):
        coding, _, parameter = element.partition(";")
        name, _, value = parameter.partition("=")
        if not parameter.strip():
            weight = 1.0
        elif name.strip().lower() == "q":
            weight = _weight(value.strip())
        else:
            weight = 0.0
        if coding.strip():
            weights[coding.strip().lower()] = weight
    return weights


def _weight(value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
