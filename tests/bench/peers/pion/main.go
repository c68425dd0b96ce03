// Pion as a selective forwarding unit: one PeerConnection for each person, one UDP port for all, packets passed on as
// they come.
//
// It is what one writes first with the library: its default interceptors (NACK both ways, reports, TWCC), a local track
// for each slot, a loop for each remote track. It estimates no bandwidth and knows no simulcast.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"flag"
	"log"
	"net"
	"sync"
	"sync/atomic"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"peers/visits"
)

const (
	largestPacket = 1_500
	socketBuffer  = 4 << 20
)

// forwarder is everybody's media.
type forwarder struct {
	api         *webrtc.API
	certificate webrtc.Certificate

	lock   sync.Mutex
	people map[*visits.Visitor]*person
}

// person is one connection, and what is shown over it.
type person struct {
	connection *webrtc.PeerConnection
	microphone *webrtc.TrackLocalStaticRTP
	camera     *webrtc.TrackLocalStaticRTP
	// Whose tracks these slots show, and who is shown ours.
	partner atomic.Pointer[person]
	// SSRC of what their camera sends; 0 before it does.
	films atomic.Uint32
}

func main() {
	server := flag.String("server", "127.0.0.1:8080", "address of the WebSocket (TCP) and of media (UDP)")
	flag.Parse()
	media, err := newForwarder(*server)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(visits.NewDoor(media).Serve(*server))
}

func newForwarder(address string) (*forwarder, error) {
	resolved, err := net.ResolveUDPAddr("udp4", address)
	if err != nil {
		return nil, err
	}
	port, err := net.ListenUDP("udp4", resolved)
	if err != nil {
		return nil, err
	}
	// As much as the kernel allows.
	_ = port.SetReadBuffer(socketBuffer)
	_ = port.SetWriteBuffer(socketBuffer)

	settings := webrtc.SettingEngine{}
	settings.SetLite(true)
	settings.SetICEUDPMux(webrtc.NewICEUDPMux(nil, port))
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return nil, err
	}

	codecs := &webrtc.MediaEngine{}
	if err := codecs.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	interceptors := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(codecs, interceptors); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(
		webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(codecs), webrtc.WithInterceptorRegistry(interceptors),
	)
	return &forwarder{api: api, certificate: *certificate, people: make(map[*visits.Visitor]*person)}, nil
}

// Answer opens a connection.
func (forwarder *forwarder) Answer(visitor *visits.Visitor, offer string) (string, error) {
	connection, err := forwarder.api.NewPeerConnection(
		webrtc.Configuration{Certificates: []webrtc.Certificate{forwarder.certificate}},
	)
	if err != nil {
		return "", err
	}
	one := &person{connection: connection}
	forwarder.lock.Lock()
	forwarder.people[visitor] = one
	forwarder.lock.Unlock()

	if one.microphone, err = one.addSlot(webrtc.MimeTypeOpus, "microphone"); err != nil {
		return "", err
	}
	if one.camera, err = one.addSlot(webrtc.MimeTypeVP8, "camera"); err != nil {
		return "", err
	}
	connection.OnTrack(one.forward)
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}
	if err := connection.SetRemoteDescription(remote); err != nil {
		return "", err
	}
	answer, err := connection.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(connection)
	if err := connection.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	return connection.LocalDescription().SDP, nil
}

// Meet has two see each other.
func (forwarder *forwarder) Meet(one, other *visits.Visitor) {
	forwarder.lock.Lock()
	first, second := forwarder.people[one], forwarder.people[other]
	forwarder.lock.Unlock()
	if first == nil || second == nil {
		return
	}
	first.partner.Store(second)
	second.partner.Store(first)
	first.askForKeyframe()
	second.askForKeyframe()
}

// Leave closes a connection.
func (forwarder *forwarder) Leave(visitor *visits.Visitor) {
	forwarder.lock.Lock()
	gone := forwarder.people[visitor]
	delete(forwarder.people, visitor)
	forwarder.lock.Unlock()
	if gone == nil {
		return
	}
	if partner := gone.partner.Load(); partner != nil {
		partner.partner.CompareAndSwap(gone, nil)
	}
	_ = gone.connection.Close()
}

// addSlot has the answer name a track that shows whoever the partner is.
func (person *person) addSlot(mimeType, name string) (*webrtc.TrackLocalStaticRTP, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mimeType}, name, "partner")
	if err != nil {
		return nil, err
	}
	// Before the offer is set, so that it takes one of the sections that the person wants to receive.
	transceiver, err := person.connection.AddTransceiverFromTrack(
		track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly},
	)
	if err != nil {
		return nil, err
	}
	go person.heedFeedback(transceiver.Sender())
	return track, nil
}

// forward passes on what comes, to the slot of whoever is the partner then.
func (person *person) forward(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	isVideo := remote.Kind() == webrtc.RTPCodecTypeVideo
	if isVideo {
		person.films.Store(uint32(remote.SSRC()))
	}
	buffer := make([]byte, largestPacket)
	var packet rtp.Packet
	for {
		length, _, err := remote.Read(buffer)
		if err != nil {
			return
		}
		partner := person.partner.Load()
		if partner == nil || packet.Unmarshal(buffer[:length]) != nil {
			continue
		}
		// They were for the way to us: the MID would name the wrong section to the partner.
		packet.Extension, packet.Extensions = false, nil
		slot := partner.microphone
		if isVideo {
			slot = partner.camera
		}
		// That the partner is leaving is found out elsewhere.
		_ = slot.WriteRTP(&packet)
	}
}

// heedFeedback hands requests for keyframes to the partner; NACKs and reports are the interceptors'.
func (person *person) heedFeedback(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				if partner := person.partner.Load(); partner != nil {
					partner.askForKeyframe()
				}
			}
		}
	}
}

func (person *person) askForKeyframe() {
	if ssrc := person.films.Load(); ssrc != 0 {
		_ = person.connection.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}})
	}
}
