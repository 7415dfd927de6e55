/** Deleting records, many and one, and every way in which that goes wrong. */

import { once } from 'node:events';
import { compare, details, error, items, message, success } from './answers.mjs';
import { UNKNOWN, params } from './bench.mjs';
import { sdk } from './sdk.mjs';

const { DeleteRecordParam, DeleteRecordsParam, RecordOperations } = sdk.Record;

/** `DELETE {module}?ids=`. */
async function deleteMany(module, ids) {
  const chosen = [
    [DeleteRecordsParam.IDS, ids.join(',')],
    [DeleteRecordsParam.WF_TRIGGER, false],
  ];
  return new RecordOperations(module).deleteRecords(await params(...chosen));
}

/** `DELETE {module}/{id}`. */
async function deleteOne(module, id) {
  const wfTrigger = await params([DeleteRecordParam.WF_TRIGGER, false]);
  return new RecordOperations(module).deleteRecord(BigInt(id), wfTrigger);
}

/** All of it. */
export async function judge(bench) {
  await judgeMany(bench);
  await judgeOne(bench);
  await judgeWholeCalls(bench);
  await judgeFaultsOfCalls(bench);
  await judgeRepeats(bench);
  await judgeFaultsOfAnswers(bench);
}

/** Results item by item. */
async function judgeMany({ court, simulator }) {
  await court.check('delete many: all', async (check) => {
    const ids = await simulator.add('Leads', 100);
    const answer = await deleteMany('Leads', ids);
    compare(check, answer, 200, 'ActionWrapper', ...ids.map(success));
    check.same('message', message(answer.getObject().getData()[0]), 'record deleted');
    check.same('places', new Set(await simulator.place('Leads', ...ids)), new Set(['binned']));
  });
  const mixed = 'delete many: mixed results, and each record where they say';
  await court.check(mixed, async (check) => {
    const ids = await simulator.add('Leads', 5);
    const [done, gone, locked, unapproved, blueprint] = ids;
    await simulator.change('delete-as-other', 'Leads', gone);
    await simulator.change('lock', 'Leads', locked);
    await simulator.change('unapprove', 'Leads', unapproved);
    await simulator.change('enter-blueprint', 'Leads', blueprint);
    compare(
      check,
      await deleteMany('Leads', [...ids, UNKNOWN]),
      207,
      'ActionWrapper',
      success(done),
      error('INVALID_DATA', gone),
      error('RECORD_LOCKED', locked),
      error('NOT_APPROVED'),
      error('RECORD_IN_BLUEPRINT', blueprint),
      error('INVALID_DATA', UNKNOWN),
    );
    const places = await simulator.place('Leads', ...ids, UNKNOWN);
    check.same('places', places, ['binned', 'binned', 'live', 'live', 'live', 'nowhere']);
  });
  await court.check('delete many: none, 400 with results', async (check) => {
    const expected = error('INVALID_DATA', UNKNOWN);
    compare(check, await deleteMany('Leads', [UNKNOWN]), 400, 'ActionWrapper', expected);
  });
  await court.check('delete many: an id that is none fails alone', async (check) => {
    const [id] = await simulator.add('Leads', 1);
    const expected = [success(id), error('INVALID_DATA', '12')];
    compare(check, await deleteMany('Leads', [id, '12']), 207, 'ActionWrapper', ...expected);
  });
  await court.check('delete many: a module without a bin', async (check) => {
    const ids = await simulator.add('Logs__c', 2);
    compare(check, await deleteMany('Logs__c', ids), 200, 'ActionWrapper', ...ids.map(success));
    check.same('places', await simulator.place('Logs__c', ...ids), ['purged', 'purged']);
  });
}

/** A record by path: some errors are flat, others are not. */
async function judgeOne({ court, simulator }) {
  const [done, gone, locked, unapproved] = await simulator.add('Contacts', 4);
  await simulator.change('delete-as-ours', 'Contacts', gone);
  await simulator.change('lock', 'Contacts', locked);
  await simulator.change('unapprove', 'Contacts', unapproved);
  for (const [name, id, status, expected] of [
    ['done', done, 200, ['ActionWrapper', success(done)]],
    ['already gone, flat', gone, 400, [error('INVALID_DATA')]],
    ['no such record, flat', UNKNOWN, 400, [error('INVALID_DATA')]],
    ['no id, flat', '12', 400, [error('INVALID_DATA')]],
    ['locked', locked, 400, ['ActionWrapper', error('RECORD_LOCKED', locked)]],
    ['unapproved', unapproved, 400, ['ActionWrapper', error('NOT_APPROVED', unapproved)]],
  ]) {
    await court.check(`delete one: ${name}`, async (check) => {
      compare(check, await deleteOne('Contacts', id), status, ...expected);
    });
  }
  await court.check('delete one: each record is where the results say', async (check) => {
    const places = await simulator.place('Contacts', done, gone, locked, unapproved);
    check.same('places', places, ['binned', 'binned', 'live', 'live']);
  });
  await court.check("delete one: details of a flat error name the path's part", async (check) => {
    const answer = await deleteOne('Contacts', gone);
    check.same('details', details(answer.getObject()), { resource_path_index: 1 });
  });
}

/** Calls that are refused as such: one flat error, nothing done. */
async function judgeWholeCalls({ court, simulator }) {
  const ids = await simulator.add('Deals', 101);
  const ledger = await simulator.add('Ledger__c', 1);
  for (const [name, module, wanted, code, expected] of [
    ['101 ids', 'Deals', ids, 'LIMIT_EXCEEDED', { limit: 100, param_name: 'ids' }],
    ['an id twice', 'Deals', [ids[0], ids[0]], 'INVALID_DATA', { param_name: 'ids' }],
    ['no ids', 'Deals', [], 'REQUIRED_PARAM_MISSING', { param_name: 'ids' }],
    ['no such module', 'Nothings', [ids[0]], 'INVALID_MODULE', { resource_path_index: 0 }],
    ['not in the API', 'Documents', [ids[0]], 'INVALID_MODULE', { resource_path_index: 0 }],
    ['not deletable', 'Ledger__c', ledger, 'AUTHORIZATION_FAILED', {}],
  ]) {
    await court.check(`delete many: ${name} is ${code}`, async (check) => {
      const answer = await deleteMany(module, wanted);
      compare(check, answer, 400, error(code));
      check.same('details', details(answer.getObject()), expected);
    });
  }
  await court.check('delete many: refused calls left every record', async (check) => {
    check.same('Deals', new Set(await simulator.place('Deals', ...ids)), new Set(['live']));
    check.same('Ledger__c', await simulator.place('Ledger__c', ...ledger), ['live']);
  });
}

/** Errors for the call as a whole that the SDK takes for final. */
async function judgeFaultsOfCalls({ court, simulator }) {
  for (const [fault, status, expected] of [
    ['no-permission', 403, error('NO_PERMISSION')],
    ['scope', 401, error('OAUTH_SCOPE_MISMATCH')],
    ['expired-token', 401, error('INVALID_TOKEN')],
  ]) {
    await court.check(`delete many under ${fault}: ${expected}, then live`, async (check) => {
      const ids = await simulator.add('Accounts', 2);
      const arrived = (await simulator.requests()).length;
      await simulator.plan(fault);
      compare(check, await deleteMany('Accounts', ids), status, expected);
      check.same('calls', (await simulator.requests()).length - arrived, 1);
      check.same('places', await simulator.place('Accounts', ...ids), ['live', 'live']);
    });
  }
  const missing = 'delete many under no-permission: which permission is missing';
  await court.check(missing, async (check) => {
    await simulator.plan('no-permission');
    const answer = await deleteMany('Accounts', [UNKNOWN]);
    const expected = { permissions: ['Crm_Implied_Delete_Accounts'] };
    check.same('details', details(answer.getObject()), expected);
  });
}

/** Errors after which the SDK's HTTP client sends a DELETE again, by itself, up to twice. */
async function judgeRepeats({ court, simulator }) {
  const reason = 'its HTTP client sends a DELETE again after this, and says nothing of it';

  async function repeat(check, module, faults, calls) {
    const ids = await simulator.add(module, 2);
    const arrived = (await simulator.requests()).length;
    await simulator.plan(...faults);
    const answer = await deleteMany(module, ids);
    check.same('calls', (await simulator.requests()).length - arrived, calls);
    return { ids, answer, places: await simulator.place(module, ...ids) };
  }

  const applied = 'delete many under internal-error-applied: called not deleted';
  await court.known(applied, reason, async (check) => {
    const { ids, answer, places } = await repeat(check, 'Cases', ['internal-error-applied'], 2);
    const expected = ids.map((id) => error('INVALID_DATA', id));
    compare(check, answer, 400, 'ActionWrapper', ...expected);
    check.same('places', places, ['binned', 'binned']);
  });
  for (const [fault, status, expected] of [
    ['throttle', 429, error('TOO_MANY_REQUESTS')],
    ['throttle-retry-after', 429, error('TOO_MANY_REQUESTS')],
    ['internal-error', 500, error('INTERNAL_ERROR')],
  ]) {
    const name = `delete many under ${fault} three times: ${expected}, three calls`;
    await court.slow(name, reason, async (check) => {
      const { answer, places } = await repeat(check, 'Cases', [fault, fault, fault], 3);
      compare(check, answer, status, expected);
      check.same('places', places, ['live', 'live']);
    });
  }
  const html = 'delete many under html three times: a promise of nothing, three calls';
  await court.slow(html, `${reason}; its answer holds a promise`, async (check) => {
    const { answer, places } = await repeat(check, 'Cases', ['html', 'html', 'html'], 3);
    check.same('object', answer.getObject() instanceof Promise, true);
    check.same('answer', [answer.getStatusCode(), await answer.getObject()], [502, undefined]);
    check.same('places', places, ['live', 'live']);
  });
  const lost = 'delete many under lose-answer: called not deleted';
  await court.slow(lost, reason, async (check) => {
    const { ids, answer, places } = await repeat(check, 'Cases', ['lose-answer'], 2);
    const expected = ids.map((id) => error('INVALID_DATA', id));
    compare(check, answer, 400, 'ActionWrapper', ...expected);
    check.same('places', places, ['binned', 'binned']);
  });
  const unheard = 'delete many under lose-request: done by the second call';
  await court.slow(unheard, reason, async (check) => {
    const { ids, answer, places } = await repeat(check, 'Cases', ['lose-request'], 2);
    compare(check, answer, 200, 'ActionWrapper', ...ids.map(success));
    check.same('places', places, ['binned', 'binned']);
  });
  const redirected = 'delete many under redirect: done by the second call';
  await court.known(redirected, 'it follows a 307 with a DELETE', async (check) => {
    const { ids, answer, places } = await repeat(check, 'Cases', ['redirect'], 2);
    compare(check, answer, 200, 'ActionWrapper', ...ids.map(success));
    check.same('places', places, ['binned', 'binned']);
  });
  const single = 'delete one under internal-error three times: the error is a result';
  await court.slow(single, reason, async (check) => {
    const [id] = await simulator.add('Cases', 1);
    await simulator.plan('internal-error', 'internal-error', 'internal-error');
    const answer = await deleteOne('Cases', id);
    compare(check, answer, 500, 'ActionWrapper', error('INTERNAL_ERROR'));
  });
  const cut = 'delete many under cut-body: raised where nobody catches it, one call, binned';
  const crash = 'its HTTP client raises in a callback, and the promise never ends';
  await court.known(cut, crash, async (check) => {
    const ids = await simulator.add('Cases', 2);
    const arrived = (await simulator.requests()).length;
    await simulator.plan('cut-body');
    const uncaught = once(process, 'uncaughtException');
    const [raised] = await Promise.race([uncaught, deleteMany('Cases', ids)]);
    check.same('raised', raised instanceof TypeError, true);
    check.same('calls', (await simulator.requests()).length - arrived, 1);
    check.same('places', await simulator.place('Cases', ...ids), ['binned', 'binned']);
  });
}

/** Answers that do not fit the question: the SDK passes on what it got. */
async function judgeFaultsOfAnswers({ court, simulator }) {
  async function seen(fault) {
    const ids = await simulator.add('Tasks', 3);
    await simulator.plan(fault);
    const [, ...results] = items(await deleteMany('Tasks', ids));
    return { asked: ids.map(success), results, places: await simulator.place('Tasks', ...ids) };
  }

  const all = ['binned', 'binned', 'binned'];
  for (const [fault, what, expected] of [
    ['missing-id', 'two results of three', { results: 2, asked: 2 }],
    ['unknown-id', 'a fourth result', { results: 4, asked: 3 }],
    ['double-id', 'one result twice', { results: 4, asked: 3 }],
    ['shuffle', 'all results in another order', { results: 3, asked: 3 }],
    ['anonymous', 'one result without an id', { results: 3, asked: 2 }],
  ]) {
    await court.check(`delete many under ${fault}: ${what}`, async (check) => {
      const { asked, results, places } = await seen(fault);
      const known = asked.filter((result) => results.includes(result)).length;
      check.same('counts', { results: results.length, asked: known }, expected);
      check.same('same order', fault === 'shuffle' && results.join() === asked.join(), false);
      check.same('without an id', results.includes(success('-')), fault === 'anonymous');
      check.same('places', places, all);
    });
  }
}
