/** Zoho's Node SDK reads the simulator's answers; started by `run`. */

import { fromEnvironment } from './bench.mjs';
import * as deletes from './deletes.mjs';
import * as massDeletes from './mass_deletes.mjs';
import * as reads from './reads.mjs';
import * as tags from './tags.mjs';
import * as tokens from './tokens.mjs';
import * as unlinks from './unlinks.mjs';

const bench = fromEnvironment();
await tokens.judgeRefusals(bench);
await tokens.judgeGrant(bench);
const token = await tokens.judgeRefresh(bench);
await deletes.judge(bench);
await reads.judge(bench);
await tags.judge(bench);
await unlinks.judge(bench);
await massDeletes.judge(bench);
await tokens.judgeTheEnd(bench, token);
process.exitCode = bench.court.failed > 0 ? 1 : 0;
