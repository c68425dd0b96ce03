// Package visits is the door of every peer: the relay's protocol (relay/protocol/README.md) as far as the load generator
// speaks it. It greets, takes offers, pairs who search, and knows nothing of media.
package visits

import (
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gorilla/websocket"
)

// Visitor is one who has a WebSocket.
type Visitor struct {
	ID int
	// Room is where they are to meet their partner: two have the same.
	Room int

	connection *websocket.Conn
	writing    sync.Mutex
	hasOffered bool
}

// Media is what a peer does with people.
type Media interface {
	// Answer takes somebody's offer. The partner's may not have come yet.
	Answer(visitor *Visitor, offer string) (string, error)
	// Meet has two hear and see each other from now on.
	Meet(one, other *Visitor)
	// Leave forgets somebody who has gone.
	Leave(visitor *Visitor)
}

// Door lets people in. They are paired for life, in the order of their offers: a peer that has rooms of its own can put
// them there before it answers.
type Door struct {
	media    Media
	visitors atomic.Int64
	upgrader websocket.Upgrader

	lock    sync.Mutex
	offers  int
	waiting map[int]*Visitor
	talking map[*Visitor]*Visitor
}

type message struct {
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

var (
	errUnknown  = errors.New("an event that peers do not know")
	errRepeated = errors.New("peers neither restart nor replace a connection")
)

// NewDoor is one behind which media is.
func NewDoor(media Media) *Door {
	return &Door{media: media, waiting: make(map[int]*Visitor), talking: make(map[*Visitor]*Visitor)}
}

// Serve lets people in at /ws of a TCP address.
func (door *Door) Serve(address string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ws", door.visit)
	server := http.Server{Addr: address, Handler: mux}
	return server.ListenAndServe()
}

func (door *Door) visit(response http.ResponseWriter, request *http.Request) {
	connection, err := door.upgrader.Upgrade(response, request, nil)
	if err != nil {
		return
	}
	defer connection.Close()
	visitor := &Visitor{ID: int(door.visitors.Add(1)), connection: connection}
	defer door.leave(visitor)
	name := strconv.Itoa(visitor.ID)
	visitor.Tell("connected", map[string]any{"user_id": name, "session_token": name, "ice_servers": []any{}})
	for {
		var heard message
		if err := connection.ReadJSON(&heard); err != nil {
			return
		}
		if err := door.heed(visitor, heard); err != nil {
			log.Printf("visitor %d: %s: %v", visitor.ID, heard.Event, err)
			visitor.Tell("error", map[string]any{"code": "internal", "message": err.Error(), "refused": heard.Event})
		}
	}
}

func (door *Door) heed(visitor *Visitor, heard message) error {
	switch heard.Event {
	case "webrtc_offer":
		var offer struct {
			SDP string `json:"sdp"`
		}
		if err := json.Unmarshal(heard.Data, &offer); err != nil {
			return err
		}
		if err := door.assign(visitor); err != nil {
			return err
		}
		answer, err := door.media.Answer(visitor, offer.SDP)
		if err == nil {
			visitor.Tell("webrtc_answer", map[string]any{"sdp": answer})
		}
		return err
	case "find_partner":
		door.find(visitor)
		return nil
	case "first_frame", "quality_report", "pong":
		return nil
	default:
		return errUnknown
	}
}

// assign says in which room somebody will meet their partner.
func (door *Door) assign(visitor *Visitor) error {
	door.lock.Lock()
	defer door.lock.Unlock()
	if visitor.hasOffered {
		return errRepeated
	}
	visitor.hasOffered = true
	visitor.Room = door.offers / 2
	door.offers++
	return nil
}

// find has two meet as soon as both search.
func (door *Door) find(visitor *Visitor) {
	door.lock.Lock()
	defer door.lock.Unlock()
	partner := door.waiting[visitor.Room]
	if partner == nil || partner == visitor {
		door.waiting[visitor.Room] = visitor
		visitor.Tell("waiting_for_partner", nil)
		return
	}
	delete(door.waiting, visitor.Room)
	door.talking[visitor], door.talking[partner] = partner, visitor
	door.media.Meet(partner, visitor)
	room := strconv.Itoa(visitor.Room)
	for _, member := range []*Visitor{partner, visitor} {
		member.Tell("partner_found", map[string]any{"room_id": room, "microphone": true, "camera": true})
	}
}

func (door *Door) leave(visitor *Visitor) {
	door.lock.Lock()
	defer door.lock.Unlock()
	if door.waiting[visitor.Room] == visitor {
		delete(door.waiting, visitor.Room)
	}
	if partner, talks := door.talking[visitor]; talks {
		delete(door.talking, visitor)
		delete(door.talking, partner)
		partner.Tell("partner_disconnected", map[string]any{"reason": "left", "searching": false})
	}
	door.media.Leave(visitor)
}

// Tell says something. Whoever can't be told is found to be gone by reading.
func (visitor *Visitor) Tell(event string, data any) {
	visitor.writing.Lock()
	defer visitor.writing.Unlock()
	_ = visitor.connection.WriteJSON(map[string]any{"event": event, "data": data})
}
