/** Reading records, deleted ones, the bin, and the org's metadata. */

import { nothing, refused, words } from './answers.mjs';
import { UNKNOWN, headers, params } from './bench.mjs';
import { sdk } from './sdk.mjs';

const { GetDeletedRecordsHeader, GetDeletedRecordsParam } = sdk.Record;
const { GetRecordParam, GetRecordsParam, RecordOperations } = sdk.Record;
const { GetRecycleBinRecordsParam, RecycleBinOperations } = sdk.RecycleBin;
const { GetUsersParam, UsersOperations } = sdk.Users;

/** The ids, in the order of the answer. */
const idsOf = (rows) => rows.map((row) => String(row.getId()));

/** Rows by their ids. */
const byId = (rows) => new Map(rows.map((row) => [String(row.getId()), row]));

/** page, per_page, count, more_records. */
const pageOf = (info) => [
  info.getPage(),
  info.getPerPage(),
  info.getCount(),
  info.getMoreRecords(),
];

/** All of it. */
export async function judge(bench) {
  await judgeRecords(bench);
  await judgeRecord(bench);
  await judgeDeleted(bench);
  await judgeBin(bench);
  await judgePeople(bench);
  await judgeModules(bench);
}

/** Lists of records. */
async function judgeRecords({ court, simulator }) {
  const records = new RecordOperations('Vendors');
  const names = 'id,Modified_Time,Tag,Owner,Locked__s';
  const read = async (...pairs) =>
    records.getRecords(await params([GetRecordsParam.FIELDS, names], ...pairs));
  await court.check('records: none', async (check) => nothing(check, await read()));
  const ids = await simulator.add('Vendors', 5);
  await simulator.change('lock', 'Vendors', ids[0]);
  await court.check('records: page by page, newest first', async (check) => {
    const pages = [];
    for (const expected of [
      [1, 2, 2, true],
      [2, 2, 2, true],
      [3, 2, 1, false],
    ]) {
      const [page, perPage] = expected;
      const answer = await read([GetRecordsParam.PAGE, page], [GetRecordsParam.PER_PAGE, perPage]);
      check.same('status', answer.getStatusCode(), 200);
      check.same('info', pageOf(answer.getObject().getInfo()), expected);
      pages.push(...idsOf(answer.getObject().getData()));
    }
    check.same('ids', pages, [...ids].reverse());
  });
  await court.check('records: the fields that were asked for, as their types', async (check) => {
    const [row] = (await read([GetRecordsParam.IDS, ids[0]])).getObject().getData();
    check.same('names', [...row.getKeyValues().keys()].sort(), names.split(',').sort());
    check.same('id', row.getId(), BigInt(ids[0]));
    check.same('tags', row.getTag(), []);
    check.same('lock', row.getKeyValue('Locked__s'), true);
    check.same('owner', row.getKeyValue('Owner').getName(), 'Ada Operator');
    check.same('time', row.getModifiedTime() < new Date(), true);
  });
  await court.check('records: by ids, without those that are gone', async (check) => {
    await simulator.change('delete-as-ours', 'Vendors', ids[1]);
    const wanted = [ids[0], ids[1], UNKNOWN, ids[2]].join(',');
    const body = (await read([GetRecordsParam.IDS, wanted])).getObject();
    check.same('ids', idsOf(body.getData()).sort(), [ids[0], ids[2]]);
    check.same('info', pageOf(body.getInfo()), [1, 200, 2, false]);
  });
  await court.check('records: without fields is REQUIRED_PARAM_MISSING', async (check) => {
    const answer = await records.getRecords();
    refused(check, answer, 400, 'REQUIRED_PARAM_MISSING', { param_name: 'fields' });
  });
  await court.check('records: a converted lead is hidden but on demand', async (check) => {
    const pair = await simulator.add('Leads', 2);
    const [lead, other] = pair;
    await simulator.change('convert', 'Leads', lead);
    for (const [converted, expected] of [
      [[], [other]],
      [['true'], [lead]],
      [['both'], pair],
    ]) {
      const chosen = [
        [GetRecordsParam.FIELDS, 'id'],
        [GetRecordsParam.IDS, pair.join(',')],
      ];
      chosen.push(...converted.map((value) => [GetRecordsParam.CONVERTED, value]));
      const answer = await new RecordOperations('Leads').getRecords(await params(...chosen));
      check.same(`converted=${converted}`, idsOf(answer.getObject().getData()).sort(), expected);
    }
  });
  await court.check('records: the count is that of the live ones', async (check) => {
    const answer = await records.recordCount();
    check.same('status', answer.getStatusCode(), 200);
    const { live } = (await simulator.state()).modules.Vendors;
    check.same('count', answer.getObject().getCount(), BigInt(live.length));
  });
  await court.check('records under read-forbidden: NO_PERMISSION', async (check) => {
    await simulator.plan('read-forbidden');
    const expected = { permissions: ['Crm_Implied_View_Records'] };
    refused(check, await read(), 403, 'NO_PERMISSION', expected);
  });
  const repeated = 'records under read-internal-error: read again by itself';
  await court.slow(repeated, 'its HTTP client sends a GET again', async (check) => {
    const arrived = (await simulator.requests()).length;
    await simulator.plan('read-internal-error');
    check.same('status', (await read()).getStatusCode(), 200);
    check.same('calls', (await simulator.requests()).length - arrived, 2);
  });
}

/** One record by path. */
async function judgeRecord({ court, simulator }) {
  const [there, gone] = await simulator.add('Contacts', 2);
  await simulator.change('delete-as-ours', 'Contacts', gone);
  const contacts = new RecordOperations('Contacts');
  await court.check('record: there, with all fields', async (check) => {
    const id = [GetRecordParam.FIELDS, 'id'];
    const answer = await contacts.getRecord(BigInt(there), await params(id));
    check.same('status', answer.getStatusCode(), 200);
    const [row] = answer.getObject().getData();
    check.same('id', row.getId(), BigInt(there));
    check.same('name', typeof row.getKeyValue('Full_Name'), 'string');
    check.same('approved', words(row.getKeyValue('$approval_state')), 'approved');
  });
  for (const [name, id] of [
    ['deleted', gone],
    ['unknown', UNKNOWN],
  ]) {
    await court.check(`record: ${name}, 204`, async (check) => {
      nothing(check, await contacts.getRecord(BigInt(id)));
    });
  }
  await court.check('record: an id that is none', async (check) => {
    const answer = await contacts.getRecord(12n);
    refused(check, answer, 400, 'INVALID_DATA', { resource_path_index: 1 });
  });
}

/** The list of what was deleted. */
async function judgeDeleted({ court, simulator }) {
  const quotes = new RecordOperations('Quotes');
  await court.check('deleted: none', async (check) => {
    nothing(check, await quotes.getDeletedRecords());
  });
  const [ours, other, purged] = await simulator.add('Quotes', 4);
  await simulator.change('delete-as-ours', 'Quotes', ours, purged);
  await simulator.change('delete-as-other', 'Quotes', other);
  await simulator.change('purge', 'Quotes', purged);
  for (const [kind, expected] of [
    ['all', [ours, other, purged]],
    ['recycle', [ours, other]],
    ['permanent', [purged]],
  ]) {
    await court.check(`deleted: ${kind}, as the state has it`, async (check) => {
      const answer = await quotes.getDeletedRecords(
        await params([GetDeletedRecordsParam.TYPE, kind]),
      );
      check.same('status', answer.getStatusCode(), 200);
      const body = answer.getObject();
      check.same('kind', body.constructor.name, 'DeletedRecordsWrapper');
      check.same('ids', idsOf(body.getData()).sort(), expected);
      check.same('info', pageOf(body.getInfo()), [1, 200, expected.length, false]);
    });
  }
  const who = 'deleted: who and when, and neither name nor user of what was erased';
  await court.check(who, async (check) => {
    const rows = byId((await quotes.getDeletedRecords()).getObject().getData());
    check.same('ours', rows.get(ours).getDeletedBy().getName(), 'Ada Operator');
    check.same('other', rows.get(other).getDeletedBy().getName(), 'Boris Colleague');
    check.same(
      'type',
      [ours, purged].map((id) => rows.get(id).getType()),
      ['recycle', 'permanent'],
    );
    const erased = rows.get(purged);
    // What a null leaves is a member that was never set.
    check.same(
      'erased',
      [erased.getDeletedBy() ?? null, erased.getDisplayName() ?? null],
      [null, null],
    );
    const age = (Date.now() - rows.get(ours).getDeletedTime().getTime()) / 1000;
    check.same('just now', age > -2 && age < 120, true);
  });
  await court.check('deleted: since a time to come, 204', async (check) => {
    const later = new Date(Date.now() + 3_600_000);
    const since = await headers([GetDeletedRecordsHeader.IF_MODIFIED_SINCE, later]);
    nothing(check, await quotes.getDeletedRecords(null, since));
  });
  await court.check('deleted: an unknown type is PATTERN_NOT_MATCHED', async (check) => {
    const answer = await quotes.getDeletedRecords(
      await params([GetDeletedRecordsParam.TYPE, 'burnt']),
    );
    refused(check, answer, 400, 'PATTERN_NOT_MATCHED', { param_name: 'type' });
  });
}

/** The recycle bin, across modules. */
async function judgeBin({ court, simulator }) {
  const bin = new RecycleBinOperations();
  const [first, second, purged, live] = await simulator.add('Invoices', 4);
  await simulator.change('delete-as-ours', 'Invoices', first, purged);
  await simulator.change('delete-as-other', 'Invoices', second);
  await simulator.change('purge', 'Invoices', purged);
  await court.check('bin: all of it, page by page, as the state has it', async (check) => {
    const seen = [];
    for (let page = 1; page < 10; page += 1) {
      const { PAGE, PER_PAGE } = GetRecycleBinRecordsParam;
      const answer = await bin.getRecyclebinRecords(await params([PAGE, page], [PER_PAGE, 100]));
      seen.push(...idsOf(answer.getObject().getRecycleBin()));
      if (!answer.getObject().getInfo().getMoreRecords()) {
        break;
      }
    }
    const modules = Object.values((await simulator.state()).modules);
    check.same('ids', seen.sort(), modules.flatMap(({ binned }) => binned).sort());
  });
  await court.check('bin: by ids', async (check) => {
    const wanted = [first, second, purged, live, UNKNOWN].join(',');
    const answer = await bin.getRecyclebinRecords(
      await params([GetRecycleBinRecordsParam.IDS, wanted]),
    );
    check.same('status', answer.getStatusCode(), 200);
    const rows = byId(answer.getObject().getRecycleBin());
    check.same('ids', [...rows.keys()].sort(), [first, second]);
    check.same('module', rows.get(first).getModule().getAPIName(), 'Invoices');
    check.same('by', rows.get(second).getDeletedBy().getName(), 'Boris Colleague');
    check.same('owner', rows.get(first).getOwner().getName(), 'Ada Operator');
  });
  await court.check('bin: one', async (check) => {
    const answer = await bin.getRecyclebinRecord(BigInt(first));
    check.same('status', answer.getStatusCode(), 200);
    check.same('id', idsOf(answer.getObject().getRecycleBin()), [first]);
  });
  for (const [name, id] of [
    ['live', live],
    ['purged', purged],
    ['unknown', UNKNOWN],
  ]) {
    await court.check(`bin: ${name} is not in it, 204`, async (check) => {
      nothing(check, await bin.getRecyclebinRecord(BigInt(id)));
      const byIds = await params([GetRecycleBinRecordsParam.IDS, id]);
      nothing(check, await bin.getRecyclebinRecords(byIds));
    });
  }
}

/** Org and users. */
async function judgePeople({ court }) {
  await court.check('org: with what the journal asks of it', async (check) => {
    const answer = await new sdk.Org.OrgOperations().getOrganization();
    check.same('status', answer.getStatusCode(), 200);
    const [org] = answer.getObject().getOrg();
    const texts = [org.getId(), org.getZgid(), org.getCompanyName(), org.getTimeZone()];
    check.same(
      'texts',
      texts.map((text) => typeof text),
      Array(4).fill('string'),
    );
    check.same('edition', org.getLicenseDetails().getPaidType(), 'enterprise');
  });
  const users = new UsersOperations();
  const read = async (kind) => users.getUsers(await params([GetUsersParam.TYPE, kind]));
  for (const [kind, names] of [
    ['CurrentUser', ['Ada Operator']],
    ['ActiveUsers', ['Ada Operator', 'Boris Colleague']],
  ]) {
    await court.check(`users: ${kind}`, async (check) => {
      const answer = await read(kind);
      check.same('status', answer.getStatusCode(), 200);
      const rows = answer.getObject().getUsers();
      check.same(
        'names',
        rows.map((row) => row.getFullName()),
        names,
      );
      check.same('role', rows[0].getRole().getName(), 'CEO');
      check.same('profile', rows[0].getProfile().getName(), 'Administrator');
    });
  }
  await court.check('users: none, 204', async (check) => {
    nothing(check, await read('DeactiveUsers'));
  });
}

/** Metadata of modules. */
async function judgeModules({ court, simulator }) {
  const operations = new sdk.Modules.ModulesOperations();
  await court.check('modules: all, as the state has them', async (check) => {
    const answer = await operations.getModules();
    check.same('status', answer.getStatusCode(), 200);
    const rows = new Map(
      answer
        .getObject()
        .getModules()
        .map((row) => [row.getAPIName(), row]),
    );
    // Pipelines are Bigin's own name for deals.
    const expected = Object.keys((await simulator.state()).modules).filter(
      (name) => name !== 'Pipelines',
    );
    check.same('names', [...rows.keys()].sort(), expected.sort());
    for (const [name, wanted] of [
      ['Documents', [true, true, false]],
      ['Leads', [true, true, true]],
      ['Ledger__c', [true, false, true]],
      ['Logs__c', [false, true, true]],
    ]) {
      const row = rows.get(name);
      const flags = [row.getRecycleBinOnDelete(), row.getDeletable(), row.getAPISupported()];
      check.same(name, flags, wanted);
    }
    const kinds = ['Leads', 'Logs__c'].map((name) => words(rows.get(name).getGeneratedType()));
    check.same('generated', kinds, ['default', 'custom']);
  });
  await court.check('modules: one by its name', async (check) => {
    const answer = await operations.getModuleByAPIName('Deals');
    check.same('status', answer.getStatusCode(), 200);
    const [row] = answer.getObject().getModules();
    check.same('module', [row.getAPIName(), typeof row.getId()], ['Deals', 'bigint']);
  });
  await court.check('modules: an unknown one is INVALID_MODULE', async (check) => {
    const answer = await operations.getModuleByAPIName('Nothings');
    refused(check, answer, 400, 'INVALID_MODULE', {});
  });
}
