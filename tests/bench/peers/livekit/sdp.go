package main

import (
	"fmt"
	"net"
	"strings"
)

// Mids of the offer (tests/load/src/offer.rs).
const (
	microphone, camera, screen                      = "0", "1", "2"
	partnerMicrophone, partnerCamera, partnerScreen = "3", "4", "5"
)

var (
	published = []string{microphone, camera}
	whole     = []string{microphone, camera, partnerMicrophone, partnerCamera}
	offered   = []string{microphone, camera, screen, partnerMicrophone, partnerCamera, partnerScreen}
)

// description is SDP, cut where sections begin.
type description struct {
	session  string
	sections map[string]string
}

func read(sdp string) description {
	parts := strings.Split(sdp, "\r\nm=")
	found := description{session: parts[0] + "\r\n", sections: make(map[string]string)}
	for _, part := range parts[1:] {
		section := "m=" + strings.TrimSuffix(part, "\r\n") + "\r\n"
		if _, rest, has := strings.Cut(section, "\r\na=mid:"); has {
			mid, _, _ := strings.Cut(rest, "\r\n")
			found.sections[mid] = section
		}
	}
	return found
}

// offerOf is the person's offer with these sections alone. The person is the DTLS client.
func offerOf(sdp string, mids []string) string {
	offer := read(sdp)
	var written strings.Builder
	for _, line := range strings.SplitAfter(offer.session, "\r\n") {
		if strings.HasPrefix(line, "a=group:BUNDLE") {
			line = fmt.Sprintf("a=group:BUNDLE %s\r\n", strings.Join(mids, " "))
		}
		written.WriteString(line)
	}
	for _, mid := range mids {
		written.WriteString(strings.ReplaceAll(offer.sections[mid], "a=setup:actpass", "a=setup:active"))
	}
	return written.String()
}

// answerTo is the answer that the person gets: all sections of theirs, and one candidate. LiveKit tells candidates
// elsewhere.
func answerTo(sdp, candidate string) string {
	answer := read(sdp)
	var written strings.Builder
	written.WriteString(answer.session)
	for position, mid := range offered {
		section, has := answer.sections[mid]
		if !has {
			section = fmt.Sprintf("m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:%s\r\n", mid)
		}
		for _, line := range strings.SplitAfter(section, "\r\n") {
			switch {
			case strings.HasPrefix(line, "a=candidate:"), strings.HasPrefix(line, "a=end-of-candidates"):
			case strings.HasPrefix(line, "a=setup:"):
				written.WriteString("a=setup:passive\r\n")
			default:
				written.WriteString(line)
			}
		}
		if position == 0 {
			written.WriteString("a=" + candidate + "\r\n")
		}
	}
	return written.String()
}

// candidateOf tells where media goes (RFC 8839 section 5.1).
func candidateOf(media string) (string, error) {
	host, port, err := net.SplitHostPort(media)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("candidate:1 1 udp 2130706431 %s %s typ host", host, port), nil
}
