/** Zoho's Node SDK, from where `run` has installed it. */

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const installed = createRequire(`${process.env.SDK_INSTALLED}/node/package.json`);
const entry = installed.resolve('@zohocrm/nodejs-sdk-8.0');

export const sdk = await import(pathToFileURL(entry).href);
