/** Checks: each has a name, a line of output, and all of its disagreements at once. */

import { isDeepStrictEqual, inspect } from 'node:util';

/** One check under way; it goes on after a disagreement, so that one run shows them all. */
class Check {
  disagreements = [];

  /** Two values have to be equal. */
  same(what, seen, expected) {
    if (!isDeepStrictEqual(seen, expected)) {
      this.disagreements.push(`${what}: ${short(seen)} instead of ${short(expected)}`);
    }
  }
}

/** All checks of a judge. The first word of each line says what came of it; `run` counts it. */
export class Court {
  failed = 0;

  constructor(judge, quick) {
    this.judge = judge;
    this.quick = quick;
  }

  /** What the SDK understood has to be what the simulator did. */
  async check(name, body) {
    await this.#judge('ok', name, '', body);
  }

  /** The SDK is known to be wrong here: exactly that wrong, or the check fails. */
  async known(name, reason, body) {
    await this.#judge('known', name, ` (${reason})`, body);
  }

  /** As `known`, but left out of a quick run: the SDK waits for seconds. */
  async slow(name, reason, body) {
    if (!this.leftOut(name)) {
      await this.known(name, reason, body);
    }
  }

  /** Whether a check that takes long is left out; then it says so. */
  leftOut(name) {
    if (this.quick) {
      console.log(`later  ${this.judge.padEnd(6)} ${name}`);
    }
    return this.quick;
  }

  async #judge(word, name, reason, body) {
    const check = new Check();
    try {
      await body(check);
    } catch (error) {
      check.disagreements.push(`raised ${describe(error)}`);
    }
    if (check.disagreements.length > 0) {
      this.failed += 1;
      word = 'FAILED';
    }
    console.log(`${word.padEnd(6)} ${this.judge.padEnd(6)} ${name}${reason}`);
    for (const line of check.disagreements) {
      // The other judge speaks at the same time.
      console.log(`       ${this.judge.padEnd(6)}   ${line}`);
    }
  }
}

/** A value for people, who want no list of 500 ids. */
function short(value) {
  return inspect(value, { depth: 6, breakLength: Infinity, maxArrayLength: 9 });
}

/** An error with its causes, on one line. */
export function describe(error) {
  const causes = [];
  for (let at = error; at != null && causes.length < 5; at = at.cause) {
    causes.push([at.name ?? typeof at, at.code, at.message, inspect(at.details ?? '')].join(' '));
  }
  return causes.join(' <- ').replaceAll(/\s+/g, ' ');
}
