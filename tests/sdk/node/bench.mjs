/** What every part of the judgement works with. */

import path from 'node:path';
import { Court } from './court.mjs';
import { sdk } from './sdk.mjs';
import { Simulator } from './simulator.mjs';

/** A well-formed id that no record has. */
export const UNKNOWN = '123456789012345678';

/** The court, the simulator, and a folder for the SDK's files. */
class Bench {
  constructor(court, simulator, scratch) {
    this.court = court;
    this.simulator = simulator;
    this.scratch = scratch;
    this.tokens = path.join(scratch, 'tokens.csv');
  }

  /**
   * Points the SDK at the simulator: `setEnvironment` is the SDK's own way to other hosts.
   *
   * It looks up earlier log-ins by the new one's token, and raises where that has none yet; so
   * earlier ones are forgotten first.
   */
  async logIn(token) {
    sdk.Initializer.LOCAL.clear();
    sdk.Initializer.initializer = null;
    const { apiUrl, accountsUrl } = this.simulator;
    const environment = sdk.DataCenter.setEnvironment(
      apiUrl,
      `${accountsUrl}/oauth/v2/token`,
      apiUrl,
    );
    const builder = await new sdk.InitializeBuilder();
    await builder
      .environment(environment)
      .token(token)
      .store(new sdk.FileStore(this.tokens))
      .resourcePath(this.scratch)
      .initialize();
    return token;
  }
}

/** Parameters of a call. */
export async function params(...pairs) {
  return filled(new sdk.ParameterMap(), pairs);
}

/** Headers of a call. */
export async function headers(...pairs) {
  return filled(new sdk.HeaderMap(), pairs);
}

async function filled(map, pairs) {
  for (const [key, value] of pairs) {
    await map.add(key, value);
  }
  return map;
}

/** The bench that `run` has prepared. */
export function fromEnvironment() {
  const { SIMULATOR, SDK_SCRATCH, SDK_QUICK } = process.env;
  const court = new Court('node', SDK_QUICK === '1');
  return new Bench(court, new Simulator(JSON.parse(SIMULATOR)), SDK_SCRATCH);
}
