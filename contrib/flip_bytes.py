#!/usr/bin/env python3
"""Flips every byte of files, one after the other, and shows that none of them verifies then.

    python3 flip_bytes.py --key KEY FILE ...
    python3 flip_bytes.py --key KEY --one-of-each SEED [--keep DIR] FILE ...

Each byte is changed in three ways: its lowest bit, its case bit (0x20), its highest bit. With --one-of-each a single
byte of each file is changed to another one, both drawn by the seed: for files by the thousand. --keep writes what was
changed to a directory, for other programs to refuse. Exit code 0 when every file verifies as it is and no changed one
does.
"""

import argparse
import concurrent.futures
import os
import random
import sys

import verify_certificate as verifier

BITS = (0x01, 0x20, 0x80)
# Bytes that one process changes before it takes others.
SHARE = 512


def flipped(raw, at, bits):
    return raw[:at] + bytes([raw[at] ^ bits]) + raw[at + 1:]


def accepts(name, raw, key):
    """Whether a file verifies. One that does with a key does so without: no key is asked for where none is needed."""
    try:
        verifier.check(name, raw, key if name.endswith(".tlog-proof") else None)
    except verifier.Refused:
        return False
    return True


def flip_share(name, raw, key, start):
    """What is accepted of the bytes from a place on, each changed in every way."""
    places = range(start, min(start + SHARE, len(raw)))
    return [(at, bit) for at in places for bit in BITS if accepts(name, flipped(raw, at, bit), key)]


def every_byte(files, key):
    """Number of changed files, and those that are accepted."""
    accepted = []
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        work = [(name, pool.submit(flip_share, name, raw, key, start))
                for name, raw in files for start in range(0, len(raw), SHARE)]
        for name, share in work:
            accepted += [(name, at, bit) for at, bit in share.result()]
    return len(BITS) * sum(len(raw) for _, raw in files), accepted


def one_of_each(files, key, seed, keep):
    """The same with one byte of each file."""
    dice, accepted = random.Random(seed), []
    for name, raw in files:
        at, bits = dice.randrange(len(raw)), dice.randrange(1, 256)
        changed = flipped(raw, at, bits)
        if accepts(name, changed, key):
            accepted.append((name, at, bits))
        if keep is not None:
            with open(os.path.join(keep, os.path.basename(name)), "wb") as file:
                file.write(changed)
    return len(files), accepted


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", required=True)
    parser.add_argument("--one-of-each", metavar="SEED")
    parser.add_argument("--keep", metavar="DIR")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    key, files = verifier.read_key(args.key), []
    for name in args.files:
        with open(name, "rb") as file:
            files.append((name, file.read()))
        # As it is, it holds.
        verifier.check(*files[-1], key)
    if args.keep is not None:
        os.makedirs(args.keep)
    if args.one_of_each is None:
        flips, accepted = every_byte(files, key)
    else:
        flips, accepted = one_of_each(files, key, args.one_of_each, args.keep)
    for name, at, bits in accepted:
        print("%s: byte %d ^ %#x is accepted" % (name, at, bits))
    print("%d files, %d changed ones, %d accepted" % (len(files), flips, len(accepted)))
    return 1 if accepted else 0


if __name__ == "__main__":
    sys.exit(main())
