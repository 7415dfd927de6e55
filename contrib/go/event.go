package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// event is one that stands in the log of a checkpoint.
type event struct {
	index    int64
	leaf     string
	at, kind string
	data     object
}

func proven(one provenEvent, tree tlog.Tree) (e event) {
	within(fmt.Sprintf("event %d", one.Index), func() {
		leaf := tlog.RecordHash([]byte(one.Body))
		hold(tlog.CheckRecord(hashes(one.Path), tree.N, tree.Hash, one.Index, leaf))
		said := readObject([]byte(one.Body))
		need(len(said) == 4 && said.text("v") == eventTag, "it is of a version that is not known here")
		e = event{one.Index, hex.EncodeToString(leaf[:]), said.text("at"), said.text("kind"), said.object("data")}
	})
	return e
}

// object is a JSON object none of whose keys stands there twice.
type object map[string]json.RawMessage

func readObject(raw []byte) object {
	found, decoder := object{}, json.NewDecoder(bytes.NewReader(raw))
	start, err := decoder.Token()
	hold(err)
	need(start == json.Delim('{'), "no object")
	for decoder.More() {
		name, err := decoder.Token()
		hold(err)
		text := name.(string)
		need(found[text] == nil, "%q stands there twice", text)
		var value json.RawMessage
		hold(decoder.Decode(&value))
		found[text] = value
	}
	_, err = decoder.Token()
	hold(err)
	need(decoder.InputOffset() == int64(len(raw)), "something follows it")
	return found
}

func (o object) read(name string, into interface{}) {
	value, found := o[name]
	need(found && string(value) != "null", "%q is missing", name)
	within(name, func() { hold(json.Unmarshal(value, into)) })
}

func (o object) text(name string) (text string)   { o.read(name, &text); return text }
func (o object) number(name string) (whole int64) { o.read(name, &whole); return whole }
func (o object) flag(name string) (flag bool)     { o.read(name, &flag); return flag }

func (o object) object(name string) object {
	var raw json.RawMessage
	o.read(name, &raw)
	return readObject(raw)
}

// optional gives nil for what is null or not there.
func (o object) optional(name string) *string {
	if value, found := o[name]; !found || string(value) == "null" {
		return nil
	}
	text := o.text(name)
	return &text
}

func (o object) groups() (groups []object) {
	var raw []json.RawMessage
	o.read("groups", &raw)
	for _, one := range raw {
		groups = append(groups, readObject(one))
	}
	return groups
}

// ranges of entries, ascending.
type ranges [][2]int64

// ranges reads `1-3,5`; none for nothing.
func (o object) ranges(name string) (all ranges) {
	text, above := o.optional(name), int64(0)
	if text == nil || *text == "" {
		return nil
	}
	for _, part := range strings.Split(*text, ",") {
		first, last, found := strings.Cut(part, "-")
		if !found {
			last = first
		}
		a, b := plainNumber(first), plainNumber(last)
		need(above < a && a <= b, "entries out of order")
		all, above = append(all, [2]int64{a, b}), b
	}
	return all
}

func (all ranges) holds(entry int64) bool {
	for _, one := range all {
		if one[0] <= entry && entry <= one[1] {
			return true
		}
	}
	return false
}

// place gives the position of an entry among all, and how many there are.
func (all ranges) place(entry int64) (index, size int64) {
	index = -1
	for _, one := range all {
		if one[0] <= entry && entry <= one[1] {
			index = size + entry - one[0]
		}
		size += one[1] - one[0] + 1
	}
	need(index >= 0, "the event does not tell of the entry")
	return index, size
}

// together gives the ranges of all groups of an event, in order.
func together(groups []object) (all ranges) {
	for _, group := range groups {
		all = append(all, group.ranges("entries")...)
	}
	sort.Slice(all, func(a, b int) bool { return all[a][0] < all[b][0] })
	for i := 1; i < len(all); i++ {
		need(all[i-1][1] < all[i][0], "an entry stands in two groups")
	}
	return all
}

func groupOf(groups []object, entry int64) object {
	var found []object
	for _, group := range groups {
		if group.ranges("entries").holds(entry) {
			found = append(found, group)
		}
	}
	need(len(found) == 1, "the event does not tell of the entry")
	return found[0]
}

func recordedRange(data object) ranges {
	first, number := data.number("first_entry"), data.number("entries")
	need(first > 0 && number > 0 && number <= math.MaxInt64-first, "a request of no entries")
	return ranges{{first, first + number - 1}}
}
