// A door in front of LiveKit: people say what they say to the relay, LiveKit hears what its own clients say.
//
// Media goes between people and LiveKit, and never through here. Each person is a participant with one connection (/rtc/v1,
// "single peer connection") in a room of two. LiveKit subscribes them to each other as soon as both are connected, and
// asks for another offer then: so there are two answers, and the second tells the SSRCs of what comes.
package main

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"

	"peers/visits"
)

const (
	// patience is how long LiveKit may take to answer.
	patience = 10 * time.Second
	// firstOffer and secondOffer name offers, so that their answers are told apart.
	firstOffer, secondOffer = 1, 2
)

var errLate = errors.New("LiveKit does not answer")

type bridge struct {
	server    string
	candidate string
	key       string
	secret    string

	lock   sync.Mutex
	people map[*visits.Visitor]*participant
}

// participant is a person's session with LiveKit.
type participant struct {
	connection *websocket.Conn
	offer      string
	answers    chan string
	// Sections that LiveKit still needs to show the partner.
	audios, videos uint32
	hasOffered     bool
}

func main() {
	address := flag.String("address", "127.0.0.1:8080", "address of the WebSocket for people")
	server := flag.String("server", "127.0.0.1:7880", "address of LiveKit's signalling")
	media := flag.String("media", "127.0.0.1:7882", "address of LiveKit's media")
	key := flag.String("key", "peers", "name of the API key")
	secret := flag.String("secret", "", "the API key")
	flag.Parse()
	candidate, err := candidateOf(*media)
	if err != nil {
		log.Fatal(err)
	}
	door := visits.NewDoor(&bridge{
		server: *server, candidate: candidate, key: *key, secret: *secret,
		people: make(map[*visits.Visitor]*participant),
	})
	log.Fatal(door.Serve(*address))
}

// Answer joins LiveKit.
func (bridge *bridge) Answer(visitor *visits.Visitor, offer string) (string, error) {
	address, err := bridge.joining(visitor, offerOf(offer, published))
	if err != nil {
		return "", err
	}
	connection, _, err := websocket.DefaultDialer.Dial(address, nil)
	if err != nil {
		return "", fmt.Errorf("LiveKit does not let in: %w", err)
	}
	joined := &participant{connection: connection, offer: offer, answers: make(chan string, 2)}
	bridge.lock.Lock()
	bridge.people[visitor] = joined
	bridge.lock.Unlock()
	go joined.listen()
	select {
	case first := <-joined.answers:
		go func() {
			if second, is := <-joined.answers; is {
				visitor.Tell("webrtc_answer", map[string]any{"sdp": answerTo(second, bridge.candidate)})
			}
		}()
		return answerTo(first, bridge.candidate), nil
	case <-time.After(patience):
		return "", errLate
	}
}

// Meet finds nothing to be done: who shares a room is shown to each other.
func (bridge *bridge) Meet(_, _ *visits.Visitor) {}

// Leave ends the session with LiveKit.
func (bridge *bridge) Leave(visitor *visits.Visitor) {
	bridge.lock.Lock()
	gone := bridge.people[visitor]
	delete(bridge.people, visitor)
	bridge.lock.Unlock()
	if gone != nil {
		_ = gone.connection.Close()
	}
}

// joining is the URL by which somebody enters their room with what they publish.
func (bridge *bridge) joining(visitor *visits.Visitor, offer string) (string, error) {
	grant := &auth.VideoGrant{RoomJoin: true, Room: strconv.Itoa(visitor.Room)}
	token, err := auth.NewAccessToken(bridge.key, bridge.secret).
		SetVideoGrant(grant).SetIdentity(strconv.Itoa(visitor.ID)).ToJWT()
	if err != nil {
		return "", err
	}
	request, err := proto.Marshal(&livekit.JoinRequest{
		// Of browsers it believes which codec the offer names; of its Go client it would wait for a packet.
		ClientInfo:         &livekit.ClientInfo{Sdk: livekit.ClientInfo_JS, Browser: "chrome", Protocol: 16},
		ConnectionSettings: &livekit.ConnectionSettings{AutoSubscribe: true},
		AddTrackRequests: []*livekit.AddTrackRequest{
			{Cid: "microphone", Type: livekit.TrackType_AUDIO, Source: livekit.TrackSource_MICROPHONE, DisableRed: true},
			{
				Cid: "camera", Type: livekit.TrackType_VIDEO, Source: livekit.TrackSource_CAMERA, Width: 640, Height: 480,
				Layers: []*livekit.VideoLayer{{Quality: livekit.VideoQuality_HIGH, Width: 640, Height: 480}},
			},
		},
		PublisherOffer: &livekit.SessionDescription{Type: "offer", Sdp: offer, Id: firstOffer},
	})
	if err != nil {
		return "", err
	}
	wrapped, err := proto.Marshal(&livekit.WrappedJoinRequest{JoinRequest: request})
	if err != nil {
		return "", err
	}
	query := url.Values{"access_token": {token}, "join_request": {base64.URLEncoding.EncodeToString(wrapped)}}
	return (&url.URL{Scheme: "ws", Host: bridge.server, Path: "/rtc/v1", RawQuery: query.Encode()}).String(), nil
}

// listen hears LiveKit until the session ends.
func (participant *participant) listen() {
	defer close(participant.answers)
	for {
		_, frame, err := participant.connection.ReadMessage()
		if err != nil {
			return
		}
		var said livekit.SignalResponse
		if err := proto.Unmarshal(frame, &said); err != nil {
			log.Print(err)
			return
		}
		if err := participant.heed(&said); err != nil {
			log.Print(err)
			return
		}
	}
}

func (participant *participant) heed(said *livekit.SignalResponse) error {
	switch said := said.Message.(type) {
	case *livekit.SignalResponse_MediaSectionsRequirement:
		participant.audios += said.MediaSectionsRequirement.NumAudios
		participant.videos += said.MediaSectionsRequirement.NumVideos
	case *livekit.SignalResponse_Answer:
		if said.Answer.Id > secondOffer {
			return errors.New("LiveKit answers what nobody offered")
		}
		participant.answers <- said.Answer.Sdp
	case *livekit.SignalResponse_Leave:
		return fmt.Errorf("LiveKit sends somebody away: %v", said.Leave.Reason)
	}
	if participant.hasOffered || participant.audios == 0 || participant.videos == 0 {
		return nil
	}
	participant.hasOffered = true
	offer := &livekit.SessionDescription{Type: "offer", Sdp: offerOf(participant.offer, whole), Id: secondOffer}
	request, err := proto.Marshal(&livekit.SignalRequest{Message: &livekit.SignalRequest_Offer{Offer: offer}})
	if err != nil {
		return err
	}
	return participant.connection.WriteMessage(websocket.BinaryMessage, request)
}
