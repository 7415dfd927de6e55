#!/usr/bin/env python3
"""Flips every byte of files, one after the other, and shows that none of them verifies then.

    python3 flip_bytes.py --key KEY FILE ...

Each byte is changed in three ways: its lowest bit, its case bit (0x20), its highest bit. Exit code 0 when every
file verifies as it is and no changed one does.
"""

import argparse
import sys

import verify_certificate as verifier


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", required=True)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    given = verifier.read_key(args.key)
    flips = accepted = 0
    for name in args.files:
        with open(name, "rb") as file:
            raw = file.read()
        for key in (given, None):
            if key is None and name.endswith(".tlog-proof"):
                continue
            verifier.check(name, raw, key)
            for at in range(len(raw)):
                for bit in (0x01, 0x20, 0x80):
                    changed = raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1:]
                    flips += 1
                    try:
                        verifier.check(name, changed, key)
                    except verifier.Refused:
                        continue
                    accepted += 1
                    print("%s: byte %d of %r ^ %#x is accepted" % (name, at, raw[at - 20:at + 20], bit))
    print("%d files, %d changed ones, %d accepted" % (len(args.files), flips, accepted))
    return 1 if accepted else 0


if __name__ == "__main__":
    sys.exit(main())
