"""An offer with one line, so that the server tells where its media port is. No call comes of it."""

MID = "0"
UFRAG = "probe"

OFFER = (
    "\r\n".join(
        (
            "v=0",
            "o=- 1 1 IN IP4 0.0.0.0",
            "s=-",
            "t=0 0",
            f"a=group:BUNDLE {MID}",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111",
            "c=IN IP4 0.0.0.0",
            "a=rtcp:9 IN IP4 0.0.0.0",
            f"a=ice-ufrag:{UFRAG}",
            f"a=ice-pwd:{'p' * 24}",
            f"a=fingerprint:sha-256 {':'.join(['00'] * 32)}",
            "a=setup:actpass",
            f"a=mid:{MID}",
            "a=sendonly",
            "a=rtcp-mux",
            "a=rtpmap:111 opus/48000/2",
            "a=ssrc:1 cname:probe",
        )
    )
    + "\r\n"
)
