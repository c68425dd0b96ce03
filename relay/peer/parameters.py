"""Our negotiated codecs and header extensions in aiortc's form."""

from collections.abc import Sequence

from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters, RTCRtpHeaderExtensionParameters

from relay.peer.lines import Codec


def codec_parameters(kind: str, codecs: Sequence[Codec]) -> list[RTCRtpCodecParameters]:
    """Each codec of an `audio` or `video` section, followed by its RTX (RFC 4588) if it has one."""
    parameters = []
    for codec in codecs:
        parameters.append(
            RTCRtpCodecParameters(
                mimeType=f"{kind}/{codec.name}",
                clockRate=codec.clock_rate,
                channels=codec.channels,
                payloadType=codec.payload_type,
                rtcpFeedback=[RTCRtcpFeedback(feedback, parameter) for feedback, parameter in codec.feedback],
                parameters=dict(codec.parameters),
            )
        )
        if codec.rtx_payload_type is not None:
            parameters.append(
                RTCRtpCodecParameters(
                    mimeType=f"{kind}/rtx",
                    clockRate=codec.clock_rate,
                    payloadType=codec.rtx_payload_type,
                    parameters={"apt": codec.payload_type},
                )
            )
    return parameters


def extension_parameters(extensions: Sequence[tuple[int, str]]) -> list[RTCRtpHeaderExtensionParameters]:
    """Header extensions (RFC 8285) from (id, URI)."""
    return [RTCRtpHeaderExtensionParameters(id=identifier, uri=uri) for identifier, uri in extensions]
