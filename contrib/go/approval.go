package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Signed approvals (PROTOCOL.sshsig of OpenSSH).

const namespace = "zoho-journal-approval"

// signature checks that an approval is signed for what was recorded, as far as that is opened.
func (s *story) signature(e event, opened map[string]seal) {
	signature, err := readSignature(opened["signature"].Value)
	hold(err)
	list, listed := opened["signed_list"]
	if s.reason == nil || listed != (e.data.optional("signed_list") != nil) ||
		(s.recipient != nil) != (s.asked.optional("full_recipient") != nil) {
		return
	}
	text, holds := s.approvalText(e), true
	if listed {
		digest := sha256.Sum256([]byte(text + "salt: " + s.reason.Salt + "\n"))
		part := fmt.Sprintf("\nR%d: sha256 %s\n", s.request, hex.EncodeToString(digest[:]))
		text = list.Value
		holds = strings.HasPrefix(text, "zoho-journal/approvals@1\n") && strings.Contains(text, part)
	}
	good, known := signature.signs(text)
	// Without the org, which stands in the text, nothing can be said against a signature.
	need(holds && (good || !known) || s.org == nil, "its signature is not of what was recorded")
}

// approvalText is what whoever approves a request signs.
func (s *story) approvalText(e event) string {
	org, workflows, earlier := "not known yet", "do not run", "never"
	if s.org != nil && s.orgAt < e.index {
		org = *s.org
	}
	if s.asked.flag("workflows") {
		workflows = "run"
	}
	if value, found := e.data["earlier"]; found && string(value) != "null" {
		earlier = fmt.Sprintf("event %d", e.data.number("earlier"))
	}
	// What was signed names the journal as it was called then.
	journal := ""
	for _, one := range s.journals {
		if one.since < e.index {
			journal = one.name
		}
	}
	target := s.asked.object("target")
	lines := []string{
		"zoho-journal/approval@1",
		"journal: " + journal,
		"org: " + org,
		fmt.Sprintf("environment: %s (%s, %s)", target.text("environment"), target.text("data_center"),
			target.text("api_origin")),
		fmt.Sprintf("request: R%d", s.request),
		"operation: " + s.asked.text("operation"),
		"product: " + s.asked.text("product"),
		"module: " + s.asked.text("module"),
		"workflows: " + workflows,
		fmt.Sprintf("entries: %d", s.asked.number("entries")),
		fmt.Sprintf("duplicates: %d", s.asked.number("duplicates")),
		fmt.Sprintf("rejected: %d", s.asked.number("rejected")),
	}
	if s.recipient != nil {
		lines = append(lines, fmt.Sprintf("full snapshots: kept for %s, encrypted to %s",
			keptFor(s.asked.number("full_retention_ms")), onOneLine(*s.recipient)))
	}
	lines = append(lines,
		"approved before: "+earlier,
		"content: "+s.recorded,
		`reason: "`+onOneLine(s.reason.Value)+`"`)
	return strings.Join(lines, "\n") + "\n"
}

// keptFor gives milliseconds in the largest unit of which they are a whole number.
func keptFor(span int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}} {
		if span%unit.size == 0 {
			return fmt.Sprintf("%d %s", span/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d ms", span)
}

// onOneLine gives a text as what is signed writes it.
func onOneLine(text string) string {
	var line strings.Builder
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			line.WriteString("\\" + string(r))
		case r == '\n':
			line.WriteString(`\n`)
		case r <= 0x1f, 0x7f <= r && r <= 0x9f, 0x200b <= r && r <= 0x200f, 0x2028 <= r && r <= 0x202e,
			0x2060 <= r && r <= 0x206f, r == 0xfeff:
			fmt.Fprintf(&line, `\u{%x}`, r)
		default:
			line.WriteRune(r)
		}
	}
	return line.String()
}

type sshSignature struct {
	key, namespace, reserved, hash, signature []byte
}

func readSignature(armoured string) (signature sshSignature, err error) {
	return attempt(func() sshSignature {
		inner := strings.TrimSpace(armoured)
		const begin, end = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
		need(strings.HasPrefix(inner, begin) && strings.HasSuffix(inner, end) && len(inner) > len(begin+end),
			"no SSH signature")
		inner = strings.Join(strings.Fields(inner[len(begin):len(inner)-len(end)]), "")
		data := fromBase64(inner)
		need(bytes.HasPrefix(data, []byte("SSHSIG\x00\x00\x00\x01")), "no SSH signature of a known form")
		parts := sshStrings(data[10:], 5)
		return sshSignature{parts[0], parts[1], parts[2], parts[3], parts[4]}
	})
}

// signs says whether the key signed this text; known is false for a key that is not of Ed25519.
func (s sshSignature) signs(text string) (good, known bool) {
	var digest []byte
	switch string(s.hash) {
	case "sha256":
		sum := sha256.Sum256([]byte(text))
		digest = sum[:]
	case "sha512":
		sum := sha512.Sum512([]byte(text))
		digest = sum[:]
	}
	if string(s.namespace) != namespace || digest == nil {
		return false, true
	}
	if kind, _ := sshString(s.key); string(kind) != "ssh-ed25519" {
		return false, false
	}
	point, signed := sshStrings(s.key, 2)[1], sshStrings(s.signature, 2)
	message := []byte("SSHSIG")
	for _, part := range [][]byte{s.namespace, s.reserved, s.hash, digest} {
		message = append(binary.BigEndian.AppendUint32(message, uint32(len(part))), part...)
	}
	return len(point) == ed25519.PublicKeySize && string(signed[0]) == "ssh-ed25519" &&
		ed25519.Verify(point, message, signed[1]), true
}

// sshString gives the first string of RFC 4251, section 5, and what follows it.
func sshString(data []byte) (text, rest []byte) {
	need(len(data) >= 4, "the SSH signature ends too early")
	length := uint64(binary.BigEndian.Uint32(data))
	need(uint64(len(data)) >= 4+length, "the SSH signature ends too early")
	return data[4 : 4+length], data[4+length:]
}

func sshStrings(data []byte, count int) (parts [][]byte) {
	for i := 0; i < count; i++ {
		var part []byte
		part, data = sshString(data)
		parts = append(parts, part)
	}
	need(len(data) == 0, "something follows the SSH signature")
	return parts
}
