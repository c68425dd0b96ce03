package main

import (
	"strings"
	"testing"
)

const offer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3 4 5\r\n" +
	"m=audio 9 P 111\r\na=setup:actpass\r\na=mid:0\r\n" +
	"m=video 9 P 96\r\na=setup:actpass\r\na=mid:1\r\n" +
	"m=video 9 P 96\r\na=setup:actpass\r\na=mid:2\r\n" +
	"m=audio 9 P 111\r\na=setup:actpass\r\na=mid:3\r\n" +
	"m=video 9 P 96\r\na=setup:actpass\r\na=mid:4\r\n" +
	"m=video 9 P 96\r\na=setup:actpass\r\na=mid:5\r\n"

func TestAnOfferHasOnlyTheSectionsThatAreAskedFor(t *testing.T) {
	want := "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 1 3\r\n" +
		"m=video 9 P 96\r\na=setup:active\r\na=mid:1\r\n" +
		"m=audio 9 P 111\r\na=setup:active\r\na=mid:3\r\n"
	if found := offerOf(offer, []string{camera, partnerMicrophone}); found != want {
		t.Errorf("found %q", found)
	}
}

func TestAnAnswerHasAllSectionsOneCandidateAndThePassiveRole(t *testing.T) {
	answer := "v=0\r\ns=-\r\n" +
		"m=audio 9 P 111\r\na=candidate:9 far away\r\na=setup:active\r\na=mid:0\r\na=end-of-candidates\r\n" +
		"m=video 9 P 96\r\na=mid:4\r\na=ssrc:7 cname:x\r\n"
	found := answerTo(answer, "candidate:1 here")
	var mids []string
	for _, line := range strings.Split(found, "\r\n") {
		if mid, is := strings.CutPrefix(line, "a=mid:"); is {
			mids = append(mids, mid)
		}
	}
	if strings.Join(mids, " ") != "0 1 2 3 4 5" {
		t.Errorf("sections %v", mids)
	}
	if strings.Count(found, "a=candidate:") != 1 || !strings.Contains(found, "a=mid:0\r\na=candidate:1 here\r\n") {
		t.Errorf("not the one candidate, in the first section: %q", found)
	}
	if !strings.Contains(found, "a=setup:passive") || strings.Contains(found, "a=setup:active") {
		t.Errorf("the other role: %q", found)
	}
	if !strings.Contains(found, "a=mid:4\r\na=ssrc:7 cname:x\r\n") || strings.Count(found, "m=video 0 ") != 4 {
		t.Errorf("not the sections of LiveKit: %q", found)
	}
}
