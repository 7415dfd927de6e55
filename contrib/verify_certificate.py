#!/usr/bin/env python3
"""Checks certificates of a deletion journal. Shares no code with the program that made them.

Needs Python 3.9 or newer and the package `cryptography`.

    python3 verify_certificate.py [--key KEY] E7.certificate.json ... E7.event-3.tlog-proof ... audit.zip ...

KEY is the journal's public key (name+id+key), or a file that holds it; take it from somebody else than
whoever gave you the files. Exit code 0: everything holds. 12: something does not.
docs/auditor.md says what is checked, and how to do it by hand.
"""

import argparse
import base64
import functools
import hashlib
import io
import json
import re
import sys
import zipfile

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.exit("this needs the package cryptography: pip install cryptography")

ED25519 = 1
FORMAT = "zoho-journal/certificate@1"
EVENT = "zoho-journal/event@1"
HANDOVER = "zoho-journal/key-replaced@1"


class Refused(Exception):
    """What is wrong."""


def need(condition, what):
    if not condition:
        raise Refused(what)


# Hashes and trees (RFC 6962). ---------------------------------------------------------------------

def sha256(data):
    return hashlib.sha256(data).digest()


def leaf_hash(data):
    return sha256(b"\x00" + data)


def root_from(leaf, index, size, path):
    """The root that a leaf and its proof lead to (RFC 9162, 2.1.3.2)."""
    need(0 <= index < size, "its place is not in the tree")
    fn, sn, node = index, size - 1, leaf
    for beside in path:
        need(sn > 0, "its path is too long")
        if fn & 1 or fn == sn:
            node = sha256(b"\x01" + beside + node)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            node = sha256(b"\x01" + node + beside)
        fn >>= 1
        sn >>= 1
    need(sn == 0, "its path is too short")
    return node


# Texts. -------------------------------------------------------------------------------------------

def from_base64(text, what):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused(what + ": damaged base64") from None
    need(base64.b64encode(data).decode() == text, what + ": base64 that is not the only form")
    return data


def from_hex(text, what):
    need(isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text), what + ": no hash")
    return bytes.fromhex(text)


def once(pairs):
    found = dict(pairs)
    need(len(found) == len(pairs), "a key stands there twice")
    return found


def no_fraction(text):
    raise Refused("a number that is no whole one: " + text)


def read_json(text):
    try:
        return json.loads(text, object_pairs_hook=once, parse_float=no_fraction,
                          parse_constant=no_fraction)
    except (ValueError, RecursionError) as error:
        raise Refused("no JSON: %s" % error) from None


def fields(value, names, what):
    """The values of an object that has these keys, in this order, and no others."""
    need(isinstance(value, dict) and list(value) == names, what + ": its keys are others")
    return [value[name] for name in names]


def whole(value, what):
    need(type(value) is int and 0 <= value < 1 << 64, what + ": no whole number")
    return value


def text_of(value, what):
    need(isinstance(value, str), what + ": no text")
    return value


def list_of(value, what):
    need(isinstance(value, list), what + ": no list")
    return value


# Keys and notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint). ------------------------------------

@functools.lru_cache(maxsize=64)
def is_signed(key, signature, message):
    """Whether an Ed25519 key signed a message. Files that are made together have one checkpoint."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Key:
    def __init__(self, text):
        parts = text.split("+", 2)
        need(len(parts) == 3 and re.fullmatch(r"[^\s+]+", parts[0]), "no public key: " + text)
        data = from_base64(parts[2], "the key")
        need(len(data) == 33 and data[0] == ED25519, "the key is not an Ed25519 key")
        key_id = sha256(parts[0].encode() + b"\n" + data)[:4]
        need(key_id.hex() == parts[1], "the id of the key does not belong to it")
        self.text, self.name, self.id, self.raw = text, parts[0], key_id, data[1:]

    def signed(self, text, signature):
        need(len(signature) == 64, "a signature is not 64 bytes long")
        need(is_signed(self.raw, signature, text.encode()),
             "the signature of %s is not valid" % self.name)


def open_note(note, keys):
    """The text of a note that exactly these keys have signed, in this order."""
    need("\n\n" in note and note.endswith("\n"), "no signed note")
    cut = note.rindex("\n\n")
    text, lines = note[:cut + 1], note[cut + 2:-1].split("\n")
    need(len(lines) == len(keys), "it bears another number of signatures")
    for line, key in zip(lines, keys):
        start = "\u2014 " + key.name + " "
        need(line.startswith(start), "it is signed by somebody else")
        data = from_base64(line[len(start):], "a signature")
        need(data[:4] == key.id, "it is signed by another key")
        key.signed(text, data[4:])
    return text


class Checkpoint:
    def __init__(self, note, key):
        lines = open_note(note, [key]).split("\n")
        need(len(lines) == 4 and lines[3] == "", "no checkpoint")
        need(lines[0] == key.name, "the checkpoint is of another log than its key")
        need(re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]), "the size is not a plain number")
        self.origin, self.size = lines[0], int(lines[1])
        self.root = from_base64(lines[2], "the root")
        need(len(self.root) == 32, "the root is not 32 bytes long")


# Events. --------------------------------------------------------------------------------------------

class Event:
    """An event that stands in the log of a checkpoint."""

    def __init__(self, index, body, path, checkpoint):
        self.index = whole(index, "an index")
        where = "event %d" % self.index
        hashes = [from_hex(one, where) for one in list_of(path, where)]
        self.body = text_of(body, where)
        try:
            root = root_from(leaf_hash(self.body.encode()), self.index, checkpoint.size, hashes)
        except Refused as error:
            raise Refused("%s: %s" % (where, error)) from None
        need(root == checkpoint.root, where + " is not in the log that was signed")
        version, self.at, self.kind, self.data = fields(
            read_json(self.body), ["v", "at", "kind", "data"], where)
        need(version == EVENT, where + " is of a version that is not known here")


def entries_of(text):
    """`1-3,5` as ranges; none for nothing."""
    ranges, above = [], 0
    for part in text.split(",") if text else []:
        first, _, last = part.partition("-")
        first, last = int(first), int(last or first)
        need(above < first <= last, "entries out of order")
        above = last
        ranges.append((first, last))
    return ranges


def holds(ranges, entry):
    return any(first <= entry <= last for first, last in ranges)


def together(groups):
    """Ranges of several groups, in order."""
    ranges = sorted(one for group in groups for one in entries_of(group["entries"]))
    for (_, last), (first, _) in zip(ranges, ranges[1:]):
        need(last < first, "an entry stands in two groups")
    return ranges


def place_of(ranges, entry):
    """Position of an entry among all, and how many there are."""
    before = sum(min(last, entry - 1) - first + 1 for first, last in ranges if first < entry)
    need(holds(ranges, entry), "the event does not tell of the entry")
    return before, sum(last - first + 1 for first, last in ranges)


def group_of(groups, entry):
    found = [group for group in groups if holds(entries_of(group["entries"]), entry)]
    need(len(found) == 1, "the event does not tell of the entry")
    return found[0]


def recorded_range(data):
    return [(data["first_entry"], data["first_entry"] + data["entries"] - 1)]


# Where an entry may stand before an event, and where it stands after it.
MOVES = {
    ("pending", "claimed"): "in_flight",
    ("pending", "never there"): "absent",
    ("in_flight", "answer done"): "done",
    ("in_flight", "answer failed"): "failed",
    ("in_flight", "answer queued"): "queued",
    ("in_flight", "answer unknown"): "unknown",
    ("in_flight", "answer returned"): "pending",
    ("queued", "evidence done"): "done",
    ("queued", "evidence absent"): "absent",
    ("queued", "evidence failed"): "failed",
    ("queued", "evidence undecided"): "unknown",
    ("unknown", "evidence done"): "done",
    ("unknown", "evidence absent"): "absent",
    ("unknown", "evidence failed"): "failed",
    ("unknown", "evidence pending"): "pending",
    ("unknown", "evidence undecided"): "unknown",
    ("unknown", "person done"): "done",
    ("unknown", "person absent"): "absent",
    ("unknown", "person failed"): "failed",
    ("failed", "reopened"): "pending",
    ("awaiting_approval", "approved"): "pending",
    ("awaiting_approval", "held"): "held",
    ("awaiting_approval", "cancelled"): "cancelled",
    ("pending", "expired"): "awaiting_approval",
    ("pending", "held"): "held",
    ("pending", "cancelled"): "cancelled",
    ("pending", "adopted"): "unknown",
    ("awaiting_approval", "adopted"): "unknown",
    ("held", "adopted"): "unknown",
    ("failed", "adopted"): "unknown",
    ("held", "released"): "pending",
    ("held", "released unapproved"): "awaiting_approval",
    ("held", "cancelled"): "cancelled",
}

# Fields of an event that hold the hash of something sealed.
SEALED = {
    "request_recorded": ["requested_by", "recorded_by", "reason", "ticket", "source_name",
                         "source_sha256", "source_column", "tags", "module_id",
                         "full_recipient"],
    "request_pinned": ["module_id"],
    "bound": ["org"],
    "user_seen": ["user"],
    "batch_answered": ["envelope", "job"],
    "batch_unanswered": ["detail"],
    "batch_returned": ["detail"],
    "entries_settled": ["settled_by", "recorded_by", "reason", "ticket"],
    "request_approved": ["approved_by", "recorded_by", "signature", "allowed_signers",
                         "signed_list"],
    "request_rejected": ["rejected_by", "recorded_by", "reason"],
    "entries_cancelled": ["cancelled_by", "recorded_by", "reason"],
    "hold_placed": ["held_by", "recorded_by", "reason", "ticket"],
    "hold_released": ["released_by", "recorded_by", "reason", "ticket"],
    "adopted": ["adopted_by", "reason"],
    "full_snapshots_shredded": ["shredded_by", "recorded_by", "reason", "ticket"],
}

# Events that move all entries that they name, and how.
PLAIN = {
    "batch_unanswered": "answer unknown",
    "batch_returned": "answer returned",
    "adopted": "adopted",
    "approval_needed": "expired",
    "request_rejected": "cancelled",
    "entries_cancelled": "cancelled",
    "hold_placed": "held",
    "entries_held": "held",
}


# Signed approvals (PROTOCOL.sshsig of OpenSSH). -----------------------------------------------------------

NAMESPACE = b"zoho-journal-approval"


def ssh_string(data):
    """The first string of RFC 4251, section 5, and what follows it."""
    length = int.from_bytes(data[:4], "big")
    need(len(data) >= 4 + length, "the SSH signature ends too early")
    return data[4:4 + length], data[4 + length:]


def ssh_strings(data, count):
    parts = []
    for _ in range(count):
        part, data = ssh_string(data)
        parts.append(part)
    need(not data, "something follows the SSH signature")
    return parts


def packed(*parts):
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def ssh_signed(armoured, text):
    """The key's fingerprint, and whether it signed this text; None for a key that is not of Ed25519."""
    found = re.fullmatch("-----BEGIN SSH SIGNATURE-----([A-Za-z0-9+/=\\s]*)-----END SSH SIGNATURE-----",
                         armoured.strip())
    need(found, "no SSH signature")
    data = from_base64("".join(found.group(1).split()), "the SSH signature")
    need(data[:10] == b"SSHSIG\x00\x00\x00\x01", "no SSH signature of a known form")
    key, namespace, reserved, name, signature = ssh_strings(data[10:], 5)
    mark = "SHA256:" + base64.b64encode(sha256(key)).decode().rstrip("=")
    hashes = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
    if namespace != NAMESPACE or name not in hashes:
        return mark, False
    if ssh_string(key)[0] != b"ssh-ed25519":
        return mark, None
    point, (kind, signed) = ssh_strings(key, 2)[1], ssh_strings(signature, 2)
    message = b"SSHSIG" + packed(namespace, reserved, name, hashes[name](text.encode()).digest())
    return mark, is_signed(point, signed, message) and kind == b"ssh-ed25519"


def on_one_line(text):
    """A text as what is signed writes it."""
    line = ""
    for char in text:
        code = ord(char)
        if char in '"\\':
            line += "\\" + char
        elif char == "\n":
            line += "\\n"
        elif (code <= 0x1f or 0x7f <= code <= 0x9f or 0x200b <= code <= 0x200f
              or 0x2028 <= code <= 0x202e or 0x2060 <= code <= 0x206f or code == 0xfeff):
            line += "\\u{%x}" % code
        else:
            line += char
    return line


def kept_for(span):
    """Milliseconds in the largest unit of which they are a whole number."""
    for size, unit in [(86400000, "d"), (3600000, "h"), (60000, "min"), (1000, "s"), (1, "ms")]:
        if span % size == 0:
            return "%d %s" % (span // size, unit)


def approval_text(journal, org, data, content, reason, recipient, earlier):
    """What whoever approves a request signs."""
    target = data["target"]
    full = [] if recipient is None else [
        "full snapshots: kept for %s, encrypted to %s"
        % (kept_for(data["full_retention_ms"]), on_one_line(recipient))]
    return "".join(line + "\n" for line in [
        "zoho-journal/approval@1",
        "journal: " + journal,
        "org: " + (org or "not known yet"),
        "environment: %s (%s, %s)" % (target["environment"], target["data_center"],
                                      target["api_origin"]),
        "request: R%d" % data["request"],
        "operation: " + data["operation"],
        "product: " + data["product"],
        "module: " + data["module"],
        "workflows: " + ("run" if data["workflows"] else "do not run"),
        "entries: %d" % data["entries"],
        "duplicates: %d" % data["duplicates"],
        "rejected: %d" % data["rejected"],
    ] + full + [
        "approved before: " + ("never" if earlier is None else "event %d" % earlier),
        "content: " + content,
        'reason: "%s"' % on_one_line(reason),
    ])


class Story:
    """What the events of one entry say, in order."""

    def __init__(self, entry, journals, org):
        self.entry, self.state, self.request, self.identity = entry, None, None, None
        self.recorded, self.account = None, None
        self.journals, self.org, self.asked, self.reason = journals, org, None, None
        self.recipient = None
        self.batches, self.lines = set(), []

    def read(self, event, seals, item):
        data, what, found = event.data, None, ""
        if event.kind == "request_recorded":
            need(self.request is None and holds(recorded_range(data), self.entry),
                 "it records something else")
            self.request = data["request"]
            self.recorded = leaf_hash(event.body.encode()).hex()
            self.state = "awaiting_approval" if data["awaiting_approval"] else "pending"
            what = "held" if holds(entries_of(data.get("held")), self.entry) else None
        elif event.kind not in ("bound", "user_seen"):
            need(self.request is not None, "it comes before the entry was recorded")
            what = self.step(event.kind, data)
        if what:
            need((self.state, what) in MOVES, "an event before it is left out")
            self.state = MOVES[self.state, what]
        if event.kind == "entries_rechecked":
            found = "seen as " + group_of(data["groups"], self.entry)["found"]
        opened = self.seals(event, seals)
        self.accounts(event, opened.get("recorded_by"))
        if event.kind == "request_recorded":
            self.asked, salts = data, {seal["field"]: seal["salt"] for seal in seals}
            self.reason = (opened["reason"], salts["reason"]) if "reason" in opened else None
            self.recipient = opened.get("full_recipient")
        if event.kind == "request_approved" and "signature" in opened:
            found = "signed with " + self.signature(event, opened)
        self.item(event, item)
        told = ", ".join(part for part in (what, found) if part)
        self.lines.append("%7d  %s  %s%s" % (event.index, event.at, event.kind,
                                             ": " + told if told else ""))

    def step(self, kind, data):
        """What an event does to the entry; nothing for one that only tells."""
        if kind == "batch_begun":
            need(holds(entries_of(data["entries"]), self.entry), "it tells of other entries")
            self.batches.add(data["batch"])
            return "claimed"
        if kind == "batch_answered":
            return "answer " + group_of(data["groups"], self.entry)["outcome"]
        if kind == "evidence_read":
            return "evidence " + group_of(data["groups"], self.entry)["verdict"]
        if kind == "job_ended":
            need(data["batch"] in self.batches, "it tells of another batch")
            return None
        if kind == "request_pinned":
            need(data["request"] == self.request, "it tells of another request")
            return None
        if kind == "snapshot_taken":
            need(holds(entries_of(data["entries"]), self.entry), "it tells of other entries")
            return "never there" if holds(entries_of(data["absent"]), self.entry) else None
        if kind == "entries_rechecked":
            group_of(data["groups"], self.entry)
            return None
        if kind == "full_snapshot_taken":
            need(data["request"] == self.request, "it tells of another request")
        if kind in ("full_snapshot_taken", "full_snapshots_shredded"):
            need(holds(entries_of(data["entries"]), self.entry), "it tells of other entries")
            return None
        if kind in ("request_approved", "request_rejected"):
            need((data["request"], data["content"]) == (self.request, self.recorded),
                 "it decides about another request")
        if holds(entries_of(data.get("unread")), self.entry):
            # What a lost part of the log may have sent is read before it is sent.
            need(kind in ("request_approved", "hold_released", "entries_reopened"),
                 "it lets nothing go")
            return "adopted"
        if kind == "entries_reopened":
            need(holds(entries_of(data["entries"]), self.entry), "it tells of other entries")
            return "reopened"
        if kind == "request_approved":
            return "approved" if holds(entries_of(data["entries"]), self.entry) else None
        if kind == "hold_released":
            if holds(entries_of(data["pending"]), self.entry):
                return "released"
            need(holds(entries_of(data["awaiting_approval"]), self.entry),
                 "it tells of other entries")
            return "released unapproved"
        move = "person %s" % data["verdict"] if kind == "entries_settled" else PLAIN.get(kind)
        need(move, "no certificate holds such an event")
        need(holds(entries_of(data["entries"]), self.entry), "it tells of other entries")
        return move

    def accounts(self, event, account):
        """Whether one account recorded both request and approval, as far as both are opened."""
        if event.kind == "request_recorded":
            self.account = account
        elif event.kind == "request_approved" and None not in (account, self.account):
            need((account == self.account) == event.data["same_account"],
                 "whether the same account approved is not what the accounts say")

    def signature(self, event, opened):
        """By which key an approval is signed, and whether for what was recorded."""
        text = opened.get("signed_list")
        recipient = self.asked.get("full_recipient")
        if (self.reason is None or (text is None) != (event.data.get("signed_list") is None)
                or (self.recipient is None) != (recipient is None)):
            return "%s; not checked: not all is opened" % ssh_signed(opened["signature"], "")[0]
        index, org = self.org or (None, None)
        org = org if index is not None and index < event.index else None
        # An adopted journal is another one: what was signed names the one that it was then.
        journal = [name for since, name in self.journals if since < event.index][-1]
        part = approval_text(journal, org, self.asked, self.recorded, self.reason[0],
                             self.recipient, event.data.get("earlier"))
        holds = True
        if text is None:
            text = part
        else:
            digest = sha256((part + "salt: %s\n" % self.reason[1]).encode()).hex()
            lines = text.split("\n")
            holds = (lines[0] == "zoho-journal/approvals@1"
                     and "R%d: sha256 %s" % (self.request, digest) in lines)
        key, good = ssh_signed(opened["signature"], text)
        if holds and good is None:
            return key + "; not checked: only ssh-keygen knows such keys"
        if self.org is None and not (holds and good):
            return key + "; not checked: whose journal it is does not stand here"
        need(holds and good, "its signature is not of what was recorded")
        return key

    def seals(self, event, seals):
        """The opened fields."""
        before, found = "", {}
        for seal in list_of(seals, "the opened fields"):
            field, salt, value = fields(seal, ["field", "salt", "value"], "an opened field")
            need(text_of(field, "a field") > before, "the opened fields are not in order")
            before = field
            opened = json.dumps(["zoho-journal/sealed@1", field, text_of(value, field)],
                                ensure_ascii=False, separators=(",", ":"))
            leaf = leaf_hash(from_hex(salt, field) + opened.encode())
            need(field in SEALED.get(event.kind, []) and event.data.get(field) == leaf.hex(),
                 '"%s" is not what was sealed' % field)
            found[field] = value
        return found

    def item(self, event, item):
        data, says, hashed = event.data, [], False
        if event.kind == "request_recorded":
            kind, ranges = "recorded", recorded_range(data)
        elif event.kind == "batch_answered":
            group = group_of(data["groups"], self.entry)
            kind, ranges, hashed = "answered", together(data["groups"]), True
            says = [data["batch"], group["outcome"], group["code"]]
        elif event.kind == "evidence_read":
            group = group_of(data["groups"], self.entry)
            kind, ranges, hashed = "evidence", together(data["groups"]), True
            says = [data["evidence"], group["verdict"], group["code"]]
        elif event.kind == "snapshot_taken":
            kind, ranges, hashed = "snapshot", entries_of(data["entries"]), True
            says = [data["reading"]]
        elif event.kind == "full_snapshot_taken":
            # The hash is of a file that no certificate holds.
            kind, ranges, hashed = "full", entries_of(data["entries"]), True
            says = [data["reading"]]
        elif event.kind == "entries_settled":
            kind, ranges = "settled", entries_of(data["entries"])
            says = [data["reading"], data["verdict"]]
        elif event.kind == "entries_rechecked":
            group = group_of(data["groups"], self.entry)
            kind, ranges, hashed = "rechecked", together(data["groups"]), True
            says = [data["reading"], group["found"]]
        else:
            need(item is None, "it has no items, and one is given")
            return
        salt, opened, path, own = fields(item, ["salt", "opened", "path", "bytes"], "the item")
        index, size = place_of(ranges, self.entry)
        hashes = [from_hex(one, "the item's path") for one in list_of(path, "the item's path")]
        leaf = leaf_hash(from_hex(salt, "the item's salt") + text_of(opened, "the item").encode())
        need(root_from(leaf, index, size, hashes).hex() == data["items_root"],
             "the item is not the one that was sealed")
        parts = list_of(read_json(opened), "the item")
        need(parts[:2] == ["zoho-journal/%s@1" % kind, self.entry], "the item is another one")
        self.identity = self.identity or parts[1:9]
        need(self.identity == parts[1:9], "the item is about something else than before")
        rest = parts[9:]
        digest = rest.pop() if hashed and rest else None
        need(rest == says, "the item says something else than the event")
        if own is not None:
            need(digest == sha256(text_of(own, "its bytes").encode()).hex(),
                 "the item's own bytes are not those that were sealed")


# Certificates. ----------------------------------------------------------------------------------------

class Keys:
    """The signing keys, as events name them one after the other."""

    def __init__(self, signer, given):
        self.signer, self.given, self.last, self.trusted = signer, given, None, None
        self.origin, self.origins = None, []
        self.follows = False

    def named(self, index, event_kind, data):
        if event_kind == "journal_created":
            self.origin = "zoho-journal/" + data["journal"]
        elif event_kind == "adopted":
            # An adopted journal is another one: nothing hands over, and trust has to be given anew.
            self.origin = "zoho-journal/" + data["journal"]
            self.follows = False
        else:
            note = data.get("handover")
            if note is None:
                self.follows = False
            else:
                old, new = Key(self.last), Key(data["key"])
                text = open_note(note, [old, new])
                need(text == "%s\n%s\n%s\n" % (HANDOVER, old.text, new.text) and
                     old.name == new.name, "the handover names other keys")
        self.origins.append((index, self.origin))
        self.last = data["key"]
        self.follows = self.follows or self.given is not None and self.given.text == self.last
        if self.last == self.signer.text:
            self.trusted = self.follows

    def trust(self):
        need(self.origin == self.signer.name, "it is of another journal")
        need(self.trusted is not None, "the log does not name the key that signed it")
        need(self.given is None or self.trusted, "it is signed by %s, which is not the key that was "
             "given, nor was it handed over" % self.signer.text)
        if self.given is None:
            return "whose key that is was not checked"
        return ("which is the key that was given" if self.given.text == self.signer.text
                else "by handover")


def follow_keys(proofs, checkpoint, signer, given):
    """From the journal's first key to the one that signed, and the journal's name from which event on."""
    keys, before = Keys(signer, given), -1
    for proof in list_of(proofs, "the keys"):
        event = Event(*fields(proof, ["index", "body", "path"], "a key's event"), checkpoint)
        first = before < 0
        need(event.index == 0 if first else event.index > before, "the keys are out of order")
        kinds = ("journal_created",) if first else ("key_replaced", "adopted")
        need(event.kind in kinds, "no key is named there")
        keys.named(event.index, event.kind, event.data)
        before = event.index
    need(keys.last == signer.text, "the log does not name the key that signed it")
    return keys.trust(), keys.origins


def org_of(events):
    """Where the journal met its org, and which it is, by what is yet to be checked."""
    for one in events:
        parts = one if isinstance(one, dict) else {}
        seals = parts.get("seals")
        for seal in seals if isinstance(seals, list) else []:
            if isinstance(seal, dict) and seal.get("field") == "org":
                return whole(parts.get("index"), "an index"), text_of(seal.get("value"), "the org")
    return None


def check_certificate(raw, given):
    """The lines that a certificate proves."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Refused("it is not UTF-8") from None
    content = read_json(text)
    names = ["format", "entry", "key", "checkpoint", "keys", "events"]
    tag, name, key, note, keys, events = fields(content, names, "the certificate")
    need(tag == FORMAT, "a format that is not known here")
    need(re.fullmatch("E[1-9][0-9]{0,18}", text_of(name, "the entry")), "it names no entry")
    signer = Key(text_of(key, "the key"))
    checkpoint = Checkpoint(text_of(note, "the checkpoint"), signer)
    trust, journals = follow_keys(keys, checkpoint, signer, given)
    story, before = Story(int(name[1:]), journals, org_of(list_of(events, "the events"))), -1
    for one in list_of(events, "the events"):
        parts = fields(one, ["index", "body", "path", "seals", "item"], "an event")
        event = Event(*parts[:3], checkpoint)
        need(event.index > before, "the events are not in order")
        before = event.index
        try:
            story.read(event, *parts[3:])
        except Refused as error:
            raise Refused("event %d (%s): %s" % (event.index, event.kind, error)) from None
    need(story.state is not None, "the event that recorded the entry is missing")
    # Last, since it takes longest.
    need(json.dumps(content, indent=2, ensure_ascii=False) + "\n" == text,
         "it is not written as certificates are")
    return (["%s is %s, in the log of %d events" % (name, story.state, checkpoint.size)]
            + story.lines + ["signed by %s, %s" % (signer.text, trust)])


def check_tlog_proof(raw, given):
    """The same for the proof of a single event (c2sp.org/tlog-proof)."""
    need(given is not None, "a proof of a single event names no key: give one with --key")
    try:
        above, note = raw.decode().split("\n\n", 1)
    except ValueError:
        raise Refused("no proof") from None
    lines = above.split("\n")
    need(len(lines) >= 3 and lines[0] == "c2sp.org/tlog-proof@v1", "no proof")
    need(lines[1].startswith("extra ") and re.fullmatch("index (0|[1-9][0-9]{0,18})", lines[2]),
         "no proof with the event as its extra data")
    checkpoint = Checkpoint(note, given)
    body = from_base64(lines[1][6:], "the event")
    path = [from_base64(line, "the path").hex() for line in lines[3:]]
    try:
        event = Event(int(lines[2][6:]), body.decode(), path, checkpoint)
    except UnicodeDecodeError:
        raise Refused("the event is not UTF-8") from None
    return ["event %d (%s) of %s, in the log of %d events"
            % (event.index, event.kind, event.at, checkpoint.size)]


# Bundles. ---------------------------------------------------------------------------------------------

def tree_root(leaves):
    """The root over leaves, of which only the roots of complete subtrees are kept."""
    frontier = []
    for leaf in leaves:
        frontier.append((0, leaf))
        while len(frontier) > 1 and frontier[-1][0] == frontier[-2][0]:
            (level, right), (_, left) = frontier.pop(), frontier.pop()
            frontier.append((level + 1, sha256(b"\x01" + left + right)))
    need(frontier, "the log is empty")
    _, root = frontier.pop()
    while frontier:
        root = sha256(b"\x01" + frontier.pop()[1] + root)
    return root


def check_bundle(raw, given):
    """An archive of `journal export --bundle`."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        need(raw[:2] == b"PK" and not archive.comment, "something stands around its files")
        names = archive.namelist()
        content = {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError,
            zipfile.zlib.error) as error:
        raise Refused("no ZIP archive: %s" % error) from None
    need(len(content) == len(names), "a file is in it twice")
    text = content.pop("manifest.json").decode()
    manifest = read_json(text)
    tag, _, events, files = fields(manifest, ["format", "made_at", "events", "files"], "the manifest")
    need(tag == "zoho-journal/bundle@1", "a format that is not known here")
    need(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n" == text,
         "the manifest is not written as manifests are")
    need(sorted(content) == sorted(files), "it holds other files than its manifest names")
    for name, expected in files.items():
        length, digest = fields(expected, ["bytes", "sha256"], name)
        need(len(content[name]) == length and sha256(content[name]).hex() == digest,
             name + " is not the file that the manifest names")
    signer = Key(content["key.vkey"].decode().removesuffix("\n"))
    checkpoint = Checkpoint(content["checkpoint"].decode(), signer)
    log = content["log.jsonl"]
    need(log.endswith(b"\n"), "the last event is cut off")
    bodies = log[:-1].split(b"\n")
    need(len(bodies) == checkpoint.size == events and
         tree_root(map(leaf_hash, bodies)) == checkpoint.root,
         "the events are not those that the checkpoint was signed for")
    keys = Keys(signer, given)
    for index, body in enumerate(bodies):
        if index == 0 or b'"kind":"key_replaced"' in body or b'"kind":"adopted"' in body:
            event = read_json(body.decode())
            need(index or event["kind"] == "journal_created", "the first event is another one")
            if event["kind"] in ("journal_created", "key_replaced", "adopted"):
                keys.named(index, event["kind"], event["data"])
    lines = ["%d files, and %d events that make the signed root" % (len(files), events)]
    for name in sorted(files):
        if name.endswith((".certificate.json", ".receipt.json")):
            try:
                found = check_certificate(content[name], signer)
            except Refused as error:
                raise Refused("%s: %s" % (name, error)) from None
            need(read_json(content[name].decode())["checkpoint"] == content["checkpoint"].decode(),
                 name + " is under another checkpoint")
            lines.append(found[0])
    return lines + ["the cells of the CSV files are not proved by this",
                    "signed by %s, %s" % (signer.text, keys.trust())]


def check(name, raw, given):
    """Checks a file by what its name says it is."""
    checker = check_tlog_proof if name.endswith(".tlog-proof") else check_certificate
    checker = check_bundle if name.endswith(".zip") else checker
    try:
        return checker(raw, given)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise Refused("it has not the form that it should have: %r" % error) from None


def read_key(text):
    try:
        return Key(text)
    except Refused:
        with open(text, encoding="utf-8") as file:
            return Key(file.read().removesuffix("\n"))


def main():
    parser = argparse.ArgumentParser(description="Checks certificates of a deletion journal.")
    parser.add_argument("--key", help="the journal's public key, or a file that holds it")
    parser.add_argument("files", nargs="+", metavar="FILE")
    args = parser.parse_args()
    try:
        given = read_key(args.key) if args.key else None
    except (Refused, OSError, UnicodeDecodeError) as error:
        print("--key: %s" % error, file=sys.stderr)
        return 12
    code = 0
    for name in args.files:
        try:
            with open(name, "rb") as file:
                lines = check(name, file.read(), given)
        except (Refused, OSError) as error:
            print("NOT verified: %s: %s" % (name, error))
            code = 12
            continue
        print("verified: %s" % name)
        for line in lines:
            # What somebody typed does nothing to the terminal.
            print("  " + line.encode("unicode_escape").decode())
    if code == 0 and given is None:
        print("The key itself was not authenticated: give it with --key, from elsewhere.",
              file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
