// Verify_certificate checks certificates of a deletion journal with the packages by which Go checks its own
// module checksums: golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog.
//
// It checks signature, events, items and opened fields. It does not tell the story that they make: the Python
// program beside it does, and says whether an event was left out.
//
//	verify_certificate KEY FILE...
//
// KEY is the journal's public key; files are certificates and .tlog-proof files. Exit code 12: something does
// not hold. With Debian's packages golang-go and golang-golang-x-mod-dev:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run verify_certificate.go KEY FILE...
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type certificate struct {
	Format     string  `json:"format"`
	Entry      string  `json:"entry"`
	Key        string  `json:"key"`
	Checkpoint string  `json:"checkpoint"`
	Keys       []event `json:"keys"`
	Events     []event `json:"events"`
}

type event struct {
	Index int64    `json:"index"`
	Body  string   `json:"body"`
	Path  []string `json:"path"`
	Seals []struct {
		Field string `json:"field"`
		Salt  string `json:"salt"`
		Value string `json:"value"`
	} `json:"seals"`
	Item *struct {
		Salt   string   `json:"salt"`
		Opened string   `json:"opened"`
		Path   []string `json:"path"`
		Bytes  *string  `json:"bytes"`
	} `json:"item"`
}

type logged struct {
	Kind string                     `json:"kind"`
	Data map[string]json.RawMessage `json:"data"`
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: verify_certificate KEY FILE...")
		os.Exit(2)
	}
	code := 0
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "KEY:", err)
		os.Exit(12)
	}
	for _, name := range os.Args[2:] {
		raw, err := os.ReadFile(name)
		if err == nil && strings.HasSuffix(name, ".tlog-proof") {
			err = checkProof(string(raw), verifier)
		} else if err == nil {
			err = checkCertificate(raw, os.Args[1], verifier)
		}
		if err != nil {
			fmt.Printf("NOT verified: %s: %v\n", name, err)
			code = 12
			continue
		}
		fmt.Printf("verified: %s\n", name)
	}
	os.Exit(code)
}

// openCheckpoint gives the tree of a checkpoint that the key has signed.
func openCheckpoint(text string, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, errors.New("no checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func checkProof(text string, verifier note.Verifier) error {
	above, checkpoint, found := strings.Cut(text, "\n\n")
	lines := strings.Split(above, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("no proof")
	}
	tree, err := openCheckpoint(checkpoint, verifier)
	if err != nil {
		return err
	}
	body, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	var path tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		path = append(path, hash)
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(body))
}

func checkCertificate(raw []byte, key string, verifier note.Verifier) error {
	var c certificate
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return err
	}
	if c.Format != "zoho-journal/certificate@1" || c.Key != key {
		return errors.New("another format, or signed by another key")
	}
	tree, err := openCheckpoint(c.Checkpoint, verifier)
	if err != nil {
		return err
	}
	entry, err := strconv.ParseInt(strings.TrimPrefix(c.Entry, "E"), 10, 64)
	if err != nil {
		return err
	}
	recorded := ""
	for _, e := range append(c.Keys, c.Events...) {
		path, err := hashes(e.Path)
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash([]byte(e.Body))
		if err := tlog.CheckRecord(path, tree.N, tree.Hash, e.Index, leaf); err != nil {
			return fmt.Errorf("event %d: %w", e.Index, err)
		}
		if recorded, err = checkContent(e.Body, leaf, recorded); err != nil {
			return fmt.Errorf("event %d: %w", e.Index, err)
		}
		if err := checkOpened(e, entry); err != nil {
			return fmt.Errorf("event %d: %w", e.Index, err)
		}
	}
	return nil
}

// checkContent checks that an approval or a rejection is of what was recorded, whose leaf hash it gives on.
func checkContent(body string, leaf tlog.Hash, recorded string) (string, error) {
	var said logged
	if err := json.Unmarshal([]byte(body), &said); err != nil {
		return "", err
	}
	switch said.Kind {
	case "request_recorded":
		return hex.EncodeToString(leaf[:]), nil
	case "request_approved", "request_rejected":
		if string(said.Data["content"]) != fmt.Sprintf("%q", recorded) {
			return "", errors.New("it decides about another request")
		}
	}
	return recorded, nil
}

// checkOpened checks what is opened of an event: sealed fields, and the entry's item.
func checkOpened(e event, entry int64) error {
	var said logged
	if err := json.Unmarshal([]byte(e.Body), &said); err != nil {
		return err
	}
	for _, seal := range e.Seals {
		opened := compact([]string{"zoho-journal/sealed@1", seal.Field, seal.Value})
		leaf, err := salted(seal.Salt, opened)
		if err != nil || string(said.Data[seal.Field]) != fmt.Sprintf("%q", hex.EncodeToString(leaf[:])) {
			return fmt.Errorf("%q is not what was sealed", seal.Field)
		}
	}
	if e.Item == nil {
		return nil
	}
	index, size, err := placeOf(said, entry)
	if err != nil {
		return err
	}
	leaf, err := salted(e.Item.Salt, []byte(e.Item.Opened))
	if err != nil {
		return err
	}
	var root string
	if err := json.Unmarshal(said.Data["items_root"], &root); err != nil {
		return err
	}
	top, err := hashes([]string{root})
	if err != nil {
		return err
	}
	path, err := hashes(e.Item.Path)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(path, size, top[0], index, leaf); err != nil {
		return fmt.Errorf("the item: %w", err)
	}
	var parts []json.RawMessage
	if err := json.Unmarshal([]byte(e.Item.Opened), &parts); err != nil || len(parts) < 9 {
		return errors.New("the item has another form")
	}
	if string(parts[1]) != strconv.FormatInt(entry, 10) {
		return errors.New("the item is of another entry")
	}
	if e.Item.Bytes != nil {
		sum := sha256.Sum256([]byte(*e.Item.Bytes))
		if string(parts[len(parts)-1]) != fmt.Sprintf("%q", hex.EncodeToString(sum[:])) {
			return errors.New("the item's own bytes are not those that were sealed")
		}
	}
	return nil
}

// placeOf gives the place of an entry among those of an event, and their number.
func placeOf(said logged, entry int64) (index, size int64, err error) {
	var ranges [][2]int64
	add := func(text string) error {
		for _, part := range strings.Split(text, ",") {
			first, last, found := strings.Cut(part, "-")
			if !found {
				last = first
			}
			a, err := strconv.ParseInt(first, 10, 64)
			if err != nil {
				return err
			}
			b, err := strconv.ParseInt(last, 10, 64)
			if err != nil || b < a {
				return errors.New("its entries are out of order")
			}
			ranges = append(ranges, [2]int64{a, b})
		}
		return nil
	}
	var groups []struct {
		Entries string `json:"entries"`
	}
	var text string
	switch said.Kind {
	case "request_recorded":
		var first, number int64
		if err := json.Unmarshal(said.Data["first_entry"], &first); err != nil {
			return 0, 0, err
		}
		if err := json.Unmarshal(said.Data["entries"], &number); err != nil {
			return 0, 0, err
		}
		ranges = append(ranges, [2]int64{first, first + number - 1})
	case "batch_answered", "evidence_read", "entries_rechecked":
		if err := json.Unmarshal(said.Data["groups"], &groups); err != nil {
			return 0, 0, err
		}
		for _, group := range groups {
			if err := add(group.Entries); err != nil {
				return 0, 0, err
			}
		}
	default:
		if err := json.Unmarshal(said.Data["entries"], &text); err != nil {
			return 0, 0, err
		}
		if err := add(text); err != nil {
			return 0, 0, err
		}
	}
	sort.Slice(ranges, func(a, b int) bool { return ranges[a][0] < ranges[b][0] })
	index = -1
	for _, one := range ranges {
		if one[0] <= entry && entry <= one[1] {
			index = size + entry - one[0]
		}
		size += one[1] - one[0] + 1
	}
	if index < 0 {
		return 0, 0, errors.New("it does not tell of the entry")
	}
	return index, size, nil
}

func hashes(texts []string) (tlog.RecordProof, error) {
	var all tlog.RecordProof
	for _, text := range texts {
		raw, err := hex.DecodeString(text)
		if err != nil || len(raw) != tlog.HashSize {
			return nil, errors.New("no hash: " + text)
		}
		var hash tlog.Hash
		copy(hash[:], raw)
		all = append(all, hash)
	}
	return all, nil
}

func salted(salt string, opened []byte) (tlog.Hash, error) {
	raw, err := hex.DecodeString(salt)
	if err != nil || len(raw) != 32 {
		return tlog.Hash{}, errors.New("no salt: " + salt)
	}
	return tlog.RecordHash(append(raw, opened...)), nil
}

// compact writes texts as the journal does: only what must be escaped is.
func compact(texts []string) []byte {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	var out strings.Builder
	out.WriteByte('[')
	for i, text := range texts {
		if i > 0 {
			out.WriteByte(',')
		}
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
	}
	out.WriteByte(']')
	return []byte(out.String())
}
