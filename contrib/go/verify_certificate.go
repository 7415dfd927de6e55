// Verify_certificate checks certificates of a deletion journal with the packages by which Go checks its own
// module checksums: golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog.
//
// It checks all that docs/auditor.md lists under "By hand": signatures and keys, events, items, opened fields, the
// order of events and what each may do to the entry, decisions, and signed approvals. It does not read bundles
// (the Python program beside it does), tell the story of an entry beyond the state that it leads to, or check SSH
// signatures of other keys than Ed25519, which only ssh-keygen knows.
//
//	verify_certificate KEY FILE...
//
// KEY is the journal's public key, the one that signed or an earlier one that handed over to it; files are
// certificates, receipts and .tlog-proof files. Exit code 12: something does not hold. With Debian's packages
// golang-go and golang-golang-x-mod-dev:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run ./contrib/go KEY FILE...
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	formatTag   = "zoho-journal/certificate@1"
	eventTag    = "zoho-journal/event@1"
	handoverTag = "zoho-journal/key-replaced@1"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: verify_certificate KEY FILE...")
		os.Exit(2)
	}
	given, err := attempt(func() key { return readKey(os.Args[1]) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "KEY:", err)
		os.Exit(12)
	}
	code := 0
	for _, name := range os.Args[2:] {
		told, err := attempt(func() string { return check(name, given) })
		if err != nil {
			fmt.Printf("NOT verified: %s: %v\n", name, err)
			code = 12
			continue
		}
		fmt.Printf("verified: %s\n  %s\n", name, told)
	}
	os.Exit(code)
}

// check gives what a file proves, in a line.
func check(name string, given key) string {
	raw, err := os.ReadFile(name)
	hold(err)
	need(!strings.HasSuffix(name, ".zip"), "bundles are checked by the Python program")
	if strings.HasSuffix(name, ".tlog-proof") {
		return checkProof(string(raw), given)
	}
	return checkCertificate(raw, given)
}

// Whatever does not hold ends the check of a file by a panic, which attempt gives as an error.

func attempt[T any](work func() T) (result T, err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("%v", why)
		}
	}()
	return work(), nil
}

func need(condition bool, format string, values ...interface{}) {
	if !condition {
		panic(fmt.Sprintf(format, values...))
	}
}

func hold(err error) {
	need(err == nil, "%v", err)
}

// within names the place of whatever does not hold in it.
func within(place string, work func()) {
	defer func() {
		if why := recover(); why != nil {
			panic(fmt.Sprintf("%s: %v", place, why))
		}
	}()
	work()
}

// Keys and notes. ----------------------------------------------------------------------------------------

type key struct {
	text string
	note.Verifier
}

func readKey(text string) key {
	verifier, err := note.NewVerifier(text)
	hold(err)
	parts := strings.SplitN(text, "+", 3)
	need(parts[1] == fmt.Sprintf("%08x", verifier.KeyHash()), "a key that is not written as keys are")
	fromBase64(parts[2])
	return key{text, verifier}
}

// openNote gives the text of a note that exactly these keys have signed, in this order.
func openNote(text string, keys ...key) string {
	verifiers := make([]note.Verifier, len(keys))
	for i, one := range keys {
		verifiers[i] = one.Verifier
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifiers...))
	hold(err)
	need(len(opened.Sigs) == len(keys), "it bears another number of signatures")
	again := opened.Text + "\n"
	for i, one := range opened.Sigs {
		need(one.Name == keys[i].Name() && one.Hash == keys[i].KeyHash(), "it is signed by somebody else")
		fromBase64(one.Base64)
		again += "\u2014 " + one.Name + " " + one.Base64 + "\n"
	}
	need(again == text, "it says more than what is signed")
	return opened.Text
}

// openCheckpoint gives the tree of a checkpoint that the key has signed.
func openCheckpoint(text string, signer key) tlog.Tree {
	lines := strings.Split(openNote(text, signer), "\n")
	need(len(lines) == 4 && lines[0] == signer.Name() && lines[3] == "", "no checkpoint of this log")
	return tlog.Tree{N: plainNumber(lines[1]), Hash: plainHash(lines[2])}
}

// handed is the way of trust through the keys that the log names, one after the other.
type handed struct {
	signer, given  key
	last, origin   string
	origins        []origin
	follows, trust bool
}

// origin is the journal's name, and the event from which on it is that: an adopted journal is another one.
type origin struct {
	since int64
	name  string
}

func (h *handed) named(e event) {
	switch e.kind {
	case "journal_created":
		h.origin = "zoho-journal/" + e.data.text("journal")
	case "adopted":
		// An adopted journal is another one: nothing hands over, and trust has to be given anew.
		h.origin, h.follows = "zoho-journal/"+e.data.text("journal"), false
	default:
		if handover := e.data.optional("handover"); handover == nil {
			h.follows = false
		} else {
			before, after := readKey(h.last), readKey(e.data.text("key"))
			text := openNote(*handover, before, after)
			need(text == handoverTag+"\n"+before.text+"\n"+after.text+"\n" && before.Name() == after.Name(),
				"the handover names other keys")
		}
	}
	h.origins = append(h.origins, origin{e.index, h.origin})
	h.last = e.data.text("key")
	h.follows = h.follows || h.last == h.given.text
	if h.last == h.signer.text {
		h.trust = h.follows
	}
}

// followKeys goes from the journal's first key to the one that signed, and gives the journal's names.
func followKeys(proofs []provenEvent, tree tlog.Tree, signer, given key) []origin {
	h, before := handed{signer: signer, given: given}, int64(-1)
	for i, one := range proofs {
		e := proven(one, tree)
		kind := e.kind == "key_replaced" || e.kind == "adopted"
		if i == 0 {
			kind = e.kind == "journal_created" && e.index == 0
		}
		need(kind && e.index > before, "the keys do not begin with the first event, in order")
		within(fmt.Sprintf("event %d (%s)", e.index, e.kind), func() { h.named(e) })
		before = e.index
	}
	need(h.last == signer.text, "the log does not name the key that signed it")
	need(h.origin == signer.Name(), "it is of another journal")
	need(h.trust, "it is signed by %s, which is not the key that was given, nor was it handed over", signer.text)
	return h.origins
}

// Files. -------------------------------------------------------------------------------------------------

type certificate struct {
	Format     string        `json:"format"`
	Entry      string        `json:"entry"`
	Key        string        `json:"key"`
	Checkpoint string        `json:"checkpoint"`
	Keys       []provenEvent `json:"keys"`
	Events     []entryEvent  `json:"events"`
}

type provenEvent struct {
	Index int64    `json:"index"`
	Body  string   `json:"body"`
	Path  []string `json:"path"`
}

type entryEvent struct {
	provenEvent
	Seals []seal `json:"seals"`
	Item  *item  `json:"item"`
}

type seal struct {
	Field string `json:"field"`
	Salt  string `json:"salt"`
	Value string `json:"value"`
}

type item struct {
	Salt   string   `json:"salt"`
	Opened string   `json:"opened"`
	Path   []string `json:"path"`
	Bytes  *string  `json:"bytes"`
}

func checkProof(text string, signer key) string {
	above, checkpoint, found := strings.Cut(text, "\n\n")
	lines := strings.Split(above, "\n")
	need(found && len(lines) >= 3 && lines[0] == "c2sp.org/tlog-proof@v1", "no proof")
	need(strings.HasPrefix(lines[1], "extra ") && strings.HasPrefix(lines[2], "index "), "no proof with its event")
	tree := openCheckpoint(checkpoint, signer)
	one := provenEvent{Index: plainNumber(lines[2][6:]), Body: string(fromBase64(lines[1][6:]))}
	for _, line := range lines[3:] {
		hash := plainHash(line)
		one.Path = append(one.Path, hex.EncodeToString(hash[:]))
	}
	e := proven(one, tree)
	return fmt.Sprintf("event %d (%s) of %s, in the log of %d events", e.index, e.kind, e.at, tree.N)
}

func checkCertificate(raw []byte, given key) string {
	var c certificate
	hold(json.NewDecoder(bytes.NewReader(raw)).Decode(&c))
	need(c.Format == formatTag, "a format that is not known here")
	need(bytes.Equal(c.form(), raw), "it is not written as certificates are")
	need(strings.HasPrefix(c.Entry, "E"), "it names no entry")
	entry := plainNumber(c.Entry[1:])
	signer := readKey(c.Key)
	tree := openCheckpoint(c.Checkpoint, signer)
	origins := followKeys(c.Keys, tree, signer, given)
	s, before := newStory(entry, origins, c.Events), int64(-1)
	for _, one := range c.Events {
		e := proven(one.provenEvent, tree)
		need(e.index > before, "the events are not in order")
		before = e.index
		within(fmt.Sprintf("event %d (%s)", e.index, e.kind), func() { s.read(e, one) })
	}
	need(s.state != "", "the event that recorded the entry is missing")
	return fmt.Sprintf("%s is %s, in the log of %d events", c.Entry, s.state, tree.N)
}

// form is the only one that a certificate may be written in: JSON indented by two blanks, and a line break.
func (c certificate) form() []byte {
	keys := list(len(c.Keys), func(i int) string { return "{" + c.Keys[i].form() + "}" })
	events := list(len(c.Events), func(i int) string {
		e := c.Events[i]
		seals := list(len(e.Seals), func(at int) string {
			one := e.Seals[at]
			return `{"field":` + quoted(one.Field) + `,"salt":` + quoted(one.Salt) + `,"value":` + quoted(one.Value) + "}"
		})
		return "{" + e.provenEvent.form() + `,"seals":` + seals + `,"item":` + e.Item.form() + "}"
	})
	compact := `{"format":` + quoted(c.Format) + `,"entry":` + quoted(c.Entry) + `,"key":` + quoted(c.Key) +
		`,"checkpoint":` + quoted(c.Checkpoint) + `,"keys":` + keys + `,"events":` + events + "}"
	var out bytes.Buffer
	hold(json.Indent(&out, []byte(compact), "", "  "))
	out.WriteByte('\n')
	return out.Bytes()
}

func (e provenEvent) form() string {
	return `"index":` + strconv.FormatInt(e.Index, 10) + `,"body":` + quoted(e.Body) + `,"path":` + quotedAll(e.Path)
}

func (i *item) form() string {
	if i == nil {
		return "null"
	}
	own := "null"
	if i.Bytes != nil {
		own = quoted(*i.Bytes)
	}
	return `{"salt":` + quoted(i.Salt) + `,"opened":` + quoted(i.Opened) + `,"path":` + quotedAll(i.Path) +
		`,"bytes":` + own + "}"
}

// Texts. -----------------------------------------------------------------------------------------------------

func fromBase64(text string) []byte {
	data, err := base64.StdEncoding.DecodeString(text)
	hold(err)
	need(base64.StdEncoding.EncodeToString(data) == text, "base64 that is not the only form")
	return data
}

func plainHash(text string) (hash tlog.Hash) {
	need(copy(hash[:], fromBase64(text)) == tlog.HashSize && len(text) == 44, "no hash: %s", text)
	return hash
}

func plainNumber(text string) int64 {
	number, err := strconv.ParseInt(text, 10, 64)
	need(err == nil && number >= 0 && strconv.FormatInt(number, 10) == text, "no plain number: %s", text)
	return number
}

func hashes(texts []string) tlog.RecordProof {
	var all tlog.RecordProof
	for _, text := range texts {
		raw, err := hex.DecodeString(text)
		need(err == nil && len(raw) == tlog.HashSize && hex.EncodeToString(raw) == text, "no hash: %s", text)
		var hash tlog.Hash
		copy(hash[:], raw)
		all = append(all, hash)
	}
	return all
}

func salted(salt, opened string) tlog.Hash {
	hash := hashes([]string{salt})[0]
	return tlog.RecordHash(append(hash[:], opened...))
}

func list(count int, one func(int) string) string {
	all := make([]string, count)
	for i := range all {
		all[i] = one(i)
	}
	return "[" + strings.Join(all, ",") + "]"
}

func quotedAll(texts []string) string {
	return list(len(texts), func(i int) string { return quoted(texts[i]) })
}

// quoted writes a text as the journal does: only what must be escaped is.
func quoted(text string) string {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		if escape, found := short[r]; found {
			out.WriteString(escape)
		} else if r < ' ' {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
