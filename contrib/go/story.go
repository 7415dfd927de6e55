package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// moves says where an entry may stand before an event, and where it stands after it.
var moves = map[[2]string]string{
	{"pending", "claimed"}:             "in_flight",
	{"pending", "never there"}:         "absent",
	{"in_flight", "answer done"}:       "done",
	{"in_flight", "answer failed"}:     "failed",
	{"in_flight", "answer queued"}:     "queued",
	{"in_flight", "answer unknown"}:    "unknown",
	{"in_flight", "answer returned"}:   "pending",
	{"queued", "evidence done"}:        "done",
	{"queued", "evidence absent"}:      "absent",
	{"queued", "evidence failed"}:      "failed",
	{"queued", "evidence undecided"}:   "unknown",
	{"unknown", "evidence done"}:       "done",
	{"unknown", "evidence absent"}:     "absent",
	{"unknown", "evidence failed"}:     "failed",
	{"unknown", "evidence pending"}:    "pending",
	{"unknown", "evidence undecided"}:  "unknown",
	{"unknown", "person done"}:         "done",
	{"unknown", "person absent"}:       "absent",
	{"unknown", "person failed"}:       "failed",
	{"failed", "reopened"}:             "pending",
	{"awaiting_approval", "approved"}:  "pending",
	{"awaiting_approval", "held"}:      "held",
	{"awaiting_approval", "cancelled"}: "cancelled",
	{"pending", "expired"}:             "awaiting_approval",
	{"pending", "held"}:                "held",
	{"pending", "cancelled"}:           "cancelled",
	{"pending", "adopted"}:             "unknown",
	{"awaiting_approval", "adopted"}:   "unknown",
	{"held", "adopted"}:                "unknown",
	{"failed", "adopted"}:              "unknown",
	{"held", "released"}:               "pending",
	{"held", "released unapproved"}:    "awaiting_approval",
	{"held", "cancelled"}:              "cancelled",
}

// sealed names the fields of an event that hold the hash of something sealed.
var sealed = map[string][]string{
	"request_recorded":        {"requested_by", "recorded_by", "reason", "ticket", "source_name", "source_sha256", "source_column", "tags", "module_id", "full_recipient"},
	"request_pinned":          {"module_id"},
	"bound":                   {"org"},
	"user_seen":               {"user"},
	"batch_answered":          {"envelope", "job"},
	"batch_unanswered":        {"detail"},
	"batch_returned":          {"detail"},
	"entries_settled":         {"settled_by", "recorded_by", "reason", "ticket"},
	"request_approved":        {"approved_by", "recorded_by", "signature", "allowed_signers", "signed_list"},
	"request_rejected":        {"rejected_by", "recorded_by", "reason"},
	"entries_cancelled":       {"cancelled_by", "recorded_by", "reason"},
	"hold_placed":             {"held_by", "recorded_by", "reason", "ticket"},
	"hold_released":           {"released_by", "recorded_by", "reason", "ticket"},
	"adopted":                 {"adopted_by", "reason"},
	"full_snapshots_shredded": {"shredded_by", "recorded_by", "reason", "ticket"},
}

// plain events move all entries that they name, and how.
var plain = map[string]string{
	"batch_unanswered":  "answer unknown",
	"batch_returned":    "answer returned",
	"adopted":           "adopted",
	"approval_needed":   "expired",
	"request_rejected":  "cancelled",
	"entries_cancelled": "cancelled",
	"hold_placed":       "held",
	"entries_held":      "held",
}

// story is what the events of one entry say, in order.
type story struct {
	entry, request int64
	state          string
	// The leaf hash of the event that recorded the request, what it says, and the account that recorded it.
	recorded string
	asked    object
	account  *string
	// The reason with its salt, and where the journal met its org: what approvals are held against.
	reason *seal
	// To whom full snapshots are encrypted, where the request wants them.
	recipient *string
	journals  []origin
	org       *string
	orgAt     int64
	batches   map[int64]bool
	identity  string
}

func newStory(entry int64, journals []origin, events []entryEvent) *story {
	s := &story{entry: entry, journals: journals, batches: map[int64]bool{}}
	for _, one := range events {
		for _, opened := range one.Seals {
			if opened.Field == "org" && s.org == nil {
				value := opened.Value
				s.org, s.orgAt = &value, one.Index
			}
		}
	}
	return s
}

func (s *story) read(e event, one entryEvent) {
	what := ""
	switch {
	case e.kind == "request_recorded":
		need(s.state == "" && recordedRange(e.data).holds(s.entry), "it records something else")
		s.request, s.recorded, s.asked, s.state = e.data.number("request"), e.leaf, e.data, "pending"
		if e.data.flag("awaiting_approval") {
			s.state = "awaiting_approval"
		}
		if e.data.ranges("held").holds(s.entry) {
			what = "held"
		}
	case e.kind != "bound" && e.kind != "user_seen":
		need(s.state != "", "it comes before the entry was recorded")
		what = s.step(e)
	}
	if what != "" {
		next, allowed := moves[[2]string{s.state, what}]
		need(allowed, "an event before it is left out")
		s.state = next
	}
	opened := s.opened(e, one.Seals)
	s.accounts(e, opened)
	if reason, found := opened["reason"]; found && e.kind == "request_recorded" {
		s.reason = &reason
	}
	if recipient, found := opened["full_recipient"]; found && e.kind == "request_recorded" {
		s.recipient = &recipient.Value
	}
	if _, found := opened["signature"]; found && e.kind == "request_approved" {
		s.signature(e, opened)
	}
	s.item(e, one.Item)
}

// step gives what an event does to the entry; nothing for one that only tells.
func (s *story) step(e event) string {
	tells := func(name string) bool { return e.data.ranges(name).holds(s.entry) }
	its := func() { need(tells("entries"), "it tells of other entries") }
	ofRequest := func() { need(e.data.number("request") == s.request, "it tells of another request") }
	switch e.kind {
	case "batch_begun":
		its()
		s.batches[e.data.number("batch")] = true
		return "claimed"
	case "batch_answered":
		return "answer " + groupOf(e.data.groups(), s.entry).text("outcome")
	case "evidence_read":
		return "evidence " + groupOf(e.data.groups(), s.entry).text("verdict")
	case "entries_rechecked":
		groupOf(e.data.groups(), s.entry)
		return ""
	case "job_ended":
		need(s.batches[e.data.number("batch")], "it tells of another batch")
		return ""
	case "request_pinned":
		ofRequest()
		return ""
	case "snapshot_taken":
		its()
		if tells("absent") {
			return "never there"
		}
		return ""
	case "full_snapshot_taken":
		ofRequest()
		its()
		return ""
	case "full_snapshots_shredded":
		its()
		return ""
	case "entries_settled":
		its()
		return "person " + e.data.text("verdict")
	case "request_approved", "request_rejected":
		need(e.data.number("request") == s.request && e.data.text("content") == s.recorded,
			"it decides about another request")
	}
	return s.decided(e.kind, tells)
}

// decided gives what a decision does to the entry; tells says whether a list of the event names it.
func (s *story) decided(kind string, tells func(string) bool) string {
	if tells("unread") {
		// What a lost part of the log may have sent is read before it is sent.
		need(kind == "request_approved" || kind == "hold_released" || kind == "entries_reopened",
			"it lets nothing go")
		return "adopted"
	}
	move, others := plain[kind], "it tells of other entries"
	switch {
	case kind == "request_approved":
		// It may have found nothing that waited for it.
		if tells("entries") {
			return "approved"
		}
		return ""
	case kind == "hold_released" && tells("pending"):
		return "released"
	case kind == "hold_released":
		need(tells("awaiting_approval"), others)
		return "released unapproved"
	case kind == "entries_reopened":
		move = "reopened"
	}
	need(move != "", "no certificate holds such an event")
	need(tells("entries"), others)
	return move
}

// accounts checks whether one account recorded both request and approval, as far as both are opened.
func (s *story) accounts(e event, opened map[string]seal) {
	account, found := opened["recorded_by"]
	if e.kind == "request_recorded" && found {
		s.account = &account.Value
	} else if e.kind == "request_approved" && found && s.account != nil {
		need((account.Value == *s.account) == e.data.flag("same_account"),
			"whether the same account approved is not what the accounts say")
	}
}

// opened checks the opened fields of an event, and gives them by name.
func (s *story) opened(e event, seals []seal) map[string]seal {
	before, found := "", map[string]seal{}
	for _, one := range seals {
		need(one.Field > before, "the opened fields are not in order")
		before = one.Field
		leaf := salted(one.Salt, "["+quoted("zoho-journal/sealed@1")+","+quoted(one.Field)+","+quoted(one.Value)+"]")
		known := false
		for _, field := range sealed[e.kind] {
			known = known || field == one.Field
		}
		hash := hex.EncodeToString(leaf[:])
		need(known && string(e.data[one.Field]) == quoted(hash), "%q is not what was sealed", one.Field)
		found[one.Field] = one
	}
	return found
}

// expected is what an event with items lets expect of the item of one entry.
type expected struct {
	kind    string
	entries ranges
	// What follows its identity, without the hash.
	says []interface{}
	// Whether a hash of bytes, or null, comes last.
	hashed bool
}

// expects gives nil for an event without items.
func (s *story) expects(e event) *expected {
	of := func(kind, number, word, code string) *expected {
		groups := e.data.groups()
		group := groupOf(groups, s.entry)
		says := []interface{}{e.data.number(number), group.text(word)}
		if code != "" {
			says = append(says, group.text(code))
		}
		return &expected{kind, together(groups), says, true}
	}
	reading := func() []interface{} { return []interface{}{e.data.number("reading")} }
	switch e.kind {
	case "request_recorded":
		return &expected{"recorded", recordedRange(e.data), nil, false}
	case "batch_answered":
		return of("answered", "batch", "outcome", "code")
	case "evidence_read":
		return of("evidence", "evidence", "verdict", "code")
	case "entries_rechecked":
		return of("rechecked", "reading", "found", "")
	case "snapshot_taken":
		return &expected{"snapshot", e.data.ranges("entries"), reading(), true}
	case "full_snapshot_taken":
		// The hash is of a file that no certificate holds.
		return &expected{"full", e.data.ranges("entries"), reading(), true}
	case "entries_settled":
		return &expected{"settled", e.data.ranges("entries"), append(reading(), e.data.text("verdict")), false}
	}
	return nil
}

// item checks what an event says of the entry.
func (s *story) item(e event, given *item) {
	want := s.expects(e)
	need((want == nil) == (given == nil), "an item is missing, or one is given where there is none")
	if want == nil {
		return
	}
	index, size := want.entries.place(s.entry)
	root := hashes([]string{e.data.text("items_root")})[0]
	within("the item is not the one that was sealed", func() {
		leaf := salted(given.Salt, given.Opened)
		hold(tlog.CheckRecord(hashes(given.Path), size, root, index, leaf))
	})
	var parts []json.RawMessage
	hold(json.Unmarshal([]byte(given.Opened), &parts))
	need(len(parts) >= 9, "the item has another form")
	need(says(parts[:2], []interface{}{"zoho-journal/" + want.kind + "@1", s.entry}), "the item is another one")
	identity := string(bytes.Join(rawBytes(parts[1:9]), []byte(",")))
	need(s.identity == "" || s.identity == identity, "the item is about something else than before")
	s.identity = identity
	rest, digest := parts[9:], "null"
	if want.hashed && len(rest) > 0 {
		rest, digest = rest[:len(rest)-1], string(rest[len(rest)-1])
	}
	need(says(rest, want.says), "the item says something else than the event")
	if given.Bytes != nil {
		sum := sha256.Sum256([]byte(*given.Bytes))
		need(digest == quoted(hex.EncodeToString(sum[:])), "the item's own bytes are not those that were sealed")
	}
}

// says tells whether an item's parts are these texts and numbers.
func says(parts []json.RawMessage, want []interface{}) bool {
	if len(parts) != len(want) {
		return false
	}
	for i, one := range want {
		switch value := one.(type) {
		case string:
			var text string
			if json.Unmarshal(parts[i], &text) != nil || text != value || parts[i][0] != '"' {
				return false
			}
		case int64:
			if string(parts[i]) != strconv.FormatInt(value, 10) {
				return false
			}
		}
	}
	return true
}

func rawBytes(parts []json.RawMessage) (all [][]byte) {
	for _, one := range parts {
		all = append(all, one)
	}
	return all
}
