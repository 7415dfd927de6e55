/** Access tokens: issued, refused, revoked. */

import { rmSync } from 'node:fs';
import { item } from './answers.mjs';
import { sdk } from './sdk.mjs';

const { OrgOperations } = sdk.Org;

/** A token of the refresh flow. */
function refreshToken({ clientId, clientSecret, refreshToken }) {
  return new sdk.OAuthBuilder()
    .clientId(clientId)
    .clientSecret(clientSecret)
    .refreshToken(refreshToken)
    .build();
}

/** How the SDK says that a token is refused. */
async function refusal(bench, token) {
  try {
    await bench.logIn(token);
  } catch (error) {
    return error.message;
  }
  return 'no refusal';
}

/** What reading the org gives. */
async function itemOfOrg() {
  const answer = await new OrgOperations().getOrganization();
  const body = answer.getObject();
  const kind = body.constructor.name;
  return `${answer.getStatusCode()} ${kind === 'APIException' ? item(body) : kind}`;
}

/** Before any log-in: the SDK keeps a token that it got in its store. */
export async function judgeRefusals(bench) {
  const good = bench.simulator.credentials;
  for (const [name, wrong, error] of [
    ['client', { clientId: '1000.NOBODY' }, 'invalid_client'],
    ['secret', { clientSecret: 'wrong' }, 'invalid_client_secret'],
    ['refresh token', { refreshToken: '1000.no.such' }, 'invalid_code'],
  ]) {
    await bench.court.check(`tokens: a wrong ${name} is ${error}`, async (check) => {
      check.same('refusal', await refusal(bench, refreshToken({ ...good, ...wrong })), error);
    });
  }
  await bench.court.check('tokens: an unknown access token is INVALID_TOKEN', async (check) => {
    await bench.logIn(new sdk.OAuthBuilder().accessToken('1000.no.such').findUser(false).build());
    check.same('org', await itemOfOrg(), '401 APIException INVALID_TOKEN error -');
  });
  rmSync(bench.tokens, { force: true });
}

/** The self client's flow: a code, once, for both tokens. */
export async function judgeGrant(bench) {
  const { clientId, clientSecret, grantCode, refreshToken } = bench.simulator.credentials;
  const byCode = () =>
    new sdk.OAuthBuilder()
      .clientId(clientId)
      .clientSecret(clientSecret)
      .grantToken(grantCode)
      .findUser(false)
      .build();
  await bench.court.check('tokens: a grant code gives the refresh token, once', async (check) => {
    const token = await bench.logIn(byCode());
    check.same('refresh token', token.getRefreshToken(), refreshToken);
    rmSync(bench.tokens);
    check.same('twice', await refusal(bench, byCode()), 'invalid_code');
  });
  rmSync(bench.tokens, { force: true });
}

/** The log-in that the other parts go on with. */
export async function judgeRefresh(bench) {
  const { court, simulator } = bench;
  const { token_calls: calls } = await simulator.state();
  const token = refreshToken(simulator.credentials);
  await court.check('tokens: a refresh token gives an access token for an hour', async (check) => {
    await bench.logIn(token);
    const left = (Number(token.getExpiresIn()) - Date.now()) / 1000;
    check.same('api_domain', token.getAPIDomain(), simulator.apiUrl);
    check.same('an hour left', left > 3500 && left <= 3600, true);
    check.same('token calls', (await simulator.state()).token_calls - calls, 1);
  });
  await court.check('tokens: user and org are found with it', async (check) => {
    const [org] = (await new OrgOperations().getOrganization()).getObject().getOrg();
    const name = token.getUserSignature().getName();
    check.same('signature', name, `user1@example.com:${org.getZgid()}`);
  });
  return token;
}

/** What leaves no token for anybody else: last. */
export async function judgeTheEnd(bench, token) {
  const url = `${bench.simulator.accountsUrl}/oauth/v2/token`;
  await bench.court.check('tokens: ten in ten minutes, then Access Denied', async (check) => {
    let seen = '';
    for (let call = 0; call < 10 && seen === ''; call += 1) {
      await token.refreshAccessToken(token, url).catch((error) => {
        seen = error.message;
      });
    }
    check.same('refusal', seen, 'Access Denied');
  });
  const revoke = () => token.revokeRefreshToken(token.getRefreshToken(), `${url}/revoke`);
  const reason = 'it asks the answer for .has, which no object has';
  await bench.court.known('tokens: the answer to revoking is not read', reason, async (check) => {
    check.same('before', await itemOfOrg(), '200 ResponseWrapper');
    const raised = await revoke().catch((error) => error);
    check.same('raised', raised instanceof TypeError && raised.message.includes('.has'), true);
  });
  const taken = 'tokens: a revoked refresh token takes its access tokens along';
  await bench.court.check(taken, async (check) => {
    check.same('after', await itemOfOrg(), '401 APIException INVALID_TOKEN error -');
  });
}
