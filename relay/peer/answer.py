"""Writes an answer (RFC 8866, RFC 9429). Pure.

Most of a section is the same for all who offered the same: it is written once (`Draft`). What is one connection's
alone, its streams and credentials, is put into it each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from relay.peer.candidates import Reach, candidates
from relay.peer.lines import Codec, DtlsRole, Fingerprint, Medium, NegotiatedSlot
from relay.peer.offer import Outline
from relay.transport.port import Credentials

START_BITRATE_KBPS = 800
"""Hint to Chromium's encoder: without it half of the pairings begin at 320x240 for ten seconds."""

PARTNER_STREAM = "partner"
CNAME = "relay"
"""The same for everybody: it says nothing about anyone (RFC 7022)."""

_NOWHERE = "IN IP4 0.0.0.0"
"""No default candidate (RFC 8840 section 4.2.1)."""

_SETUP = {DtlsRole.CLIENT: "active", DtlsRole.SERVER: "passive"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A section as far as it is the same for many."""

    head: str
    """Up to the streams that we announce."""
    tail: str
    """From there up to our side of ICE and DTLS."""


def accept(
    offered: Outline,
    codecs: Sequence[Codec],
    extensions: Sequence[tuple[int, str]],
    shown: Medium | None,
    bitrate: int | None,
) -> Draft:
    """One that is served.

    Args:
        offered: the section of the offer.
        codecs: what we take of it, in our order of preference.
        extensions: the header extensions that we take, as (id, URI).
        shown: what the browser receives in it; None where it sends.
        bitrate: bits per second that a picture may take (RFC 3890); None for as much as the browser likes.
    """
    numbers = [
        number for codec in codecs for number in (codec.payload_type, codec.rtx_payload_type) if number is not None
    ]
    is_video = offered.kind == "video"
    head = [f"m={offered.kind} 9 {offered.profile} {' '.join(map(str, numbers))}", f"c={_NOWHERE}"]
    if is_video and bitrate is not None:
        head.append(f"b=TIAS:{bitrate}")
    head.append("a=recvonly" if shown is None else "a=sendonly")
    head += [f"a=extmap:{identifier} {uri}" for identifier, uri in extensions]
    head.append(f"a=mid:{offered.mid}")
    if shown is not None:
        # The screen is a stream of its own: it must not be held back to fit the voice.
        stream = PARTNER_STREAM if shown is not Medium.SCREEN else f"{PARTNER_STREAM}-screen"
        head.append(f"a=msid:{stream} {stream}-{shown.value}")
    head += [f"a=rtcp:9 {_NOWHERE}", "a=rtcp-mux"]
    hint = {"x-google-start-bitrate": START_BITRATE_KBPS} if is_video and shown is None else {}
    tail = [line for codec in codecs for line in _described(codec, hint)]
    return Draft(_lines(head), _lines(tail))


def refuse(offered: Outline) -> str:
    """One that is not: port 0, and nothing else that means anything (RFC 3264 section 6)."""
    mid = [f"a=mid:{offered.mid}"] if offered.mid else []
    return _lines([f"m={offered.kind} 0 {offered.profile} {offered.formats[0]}", f"c={_NOWHERE}", "a=inactive", *mid])


def begin(bundle: Sequence[str] | None) -> str:
    """What stands before the sections: `bundle` has the mids of those that are served, if the offer spoke of any."""
    group = [] if bundle is None else [f"a=group:BUNDLE {' '.join(bundle)}"]
    said = ["v=0", f"o=- 1 1 {_NOWHERE}", "s=-", "t=0 0", "a=ice-lite", *group, "a=msid-semantic:WMS *"]
    return _lines(said)


def announce(slot: NegotiatedSlot) -> str:
    """What the slot will be sent with."""
    main = f"a=ssrc:{slot.ssrc} cname:{CNAME}\r\n"
    if all(codec.rtx_payload_type is None for codec in slot.codecs):
        return main
    return f"a=ssrc-group:FID {slot.ssrc} {slot.rtx_ssrc}\r\n{main}a=ssrc:{slot.rtx_ssrc} cname:{CNAME}\r\n"


def secure(own: Credentials, fingerprints: Sequence[Fingerprint], dtls_role: DtlsRole) -> str:
    """Our side of ICE and DTLS. Every section has it: older browsers look for it in each."""
    ours = [f"a=fingerprint:{item.algorithm} {item.value}" for item in fingerprints]
    return _lines([f"a=ice-ufrag:{own.ufrag}", f"a=ice-pwd:{own.password}", *ours, f"a=setup:{_SETUP[dtls_role]}"])


def offer_candidates(reach: Reach) -> str:
    """In the section that speaks for the BUNDLE: nobody looks for them elsewhere."""
    return _lines([*(f"a=candidate:{candidate}" for candidate in candidates(reach)), "a=end-of-candidates"])


def _described(codec: Codec, hint: dict[str, int]) -> list[str]:
    """A codec, and its retransmissions."""
    number = codec.payload_type
    channels = "/2" if codec.channels == 2 else ""
    lines = [f"a=rtpmap:{number} {codec.name}/{codec.clock_rate}{channels}"]
    lines += [f"a=rtcp-fb:{number} {kind}{f' {parameter}' if parameter else ''}" for kind, parameter in codec.feedback]
    if parameters := {**dict(codec.parameters), **hint}:
        written = (name if value is None else f"{name}={value}" for name, value in parameters.items())
        lines.append(f"a=fmtp:{number} {';'.join(written)}")
    if codec.rtx_payload_type is not None:
        rtx = codec.rtx_payload_type
        lines += [f"a=rtpmap:{rtx} rtx/{codec.clock_rate}", f"a=fmtp:{rtx} apt={number}"]
    return lines


def _lines(lines: Sequence[str]) -> str:
    return "\r\n".join(lines) + "\r\n" if lines else ""
