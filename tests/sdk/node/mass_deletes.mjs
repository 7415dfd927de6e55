/** Deleting many tags by a job, and asking how far it is. */

import { setTimeout as sleep } from 'node:timers/promises';
import { details, error, item, items, refused, words } from './answers.mjs';
import { UNKNOWN, params } from './bench.mjs';
import { sdk } from './sdk.mjs';

const { BodyWrapper, GetStatusParam, MassDelete, MassDeleteTagsOperations } = sdk.MassDeleteTags;
const operations = new MassDeleteTagsOperations();

/** How long a job may take: the simulator's default is 1.5 s. */
const PATIENCE_MS = 10_000;

/** The id of a module, which a submission has to name besides the name. */
async function moduleId(name) {
  const answer = await new sdk.Modules.ModulesOperations().getModuleByAPIName(name);
  return answer.getObject().getModules()[0].getId();
}

/** `POST settings/tags/actions/mass_delete`. */
async function submit(module, tags, id) {
  const named = new sdk.MassDeleteTags.Module();
  named.setAPIName(module);
  named.setId(id ?? (await moduleId(module)));
  const part = new MassDelete();
  part.setModule(named);
  part.setTags(
    tags.map((number) => {
      const tag = new sdk.MassDeleteTags.Tag();
      tag.setId(BigInt(number));
      return tag;
    }),
  );
  const body = new BodyWrapper();
  body.setMassDelete([part]);
  return operations.massDeleteTags(body);
}

/** `GET settings/tags/actions/mass_delete?job_id=`. */
async function ask(job) {
  return operations.getStatus(await params([GetStatusParam.JOB_ID, job]));
}

/** Submits a job that has to be taken; its id. */
async function submitted(check, simulator, module, tags) {
  const answer = await submit(module, tags);
  check.same('status', answer.getStatusCode(), 202);
  const body = answer.getObject();
  check.same('result', item(body), 'SuccessResponse SCHEDULED success -');
  check.same('message', body.getMessage(), 'tags scheduled successfully');
  const job = String(body.getDetails().get('job_id'));
  check.same('job', job, (await simulator.jobs()).at(-1).job_id);
  return job;
}

/** Asks until the job has ended; what it said on the way, and its last words. */
async function awaitEnd(check, job) {
  const seen = [];
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const answer = await ask(job);
    check.same('status', answer.getStatusCode(), 200);
    const [last] = answer.getObject().getMassDelete();
    check.same('kind', last.constructor.name, 'MassDeleteDetails');
    check.same('job', String(last.getJobId()), job);
    const status = words(last.getStatus());
    if (seen.at(-1) !== status) {
      seen.push(status);
    }
    if (['COMPLETED', 'FAILED'].includes(status)) {
      return { seen, last };
    }
    await sleep(100);
  }
  throw new Error(`job ${job} said ${seen} in ${PATIENCE_MS} ms`);
}

/** total, deleted, failed. */
const counts = (last) => [last.getTotalCount(), last.getDeletedCount(), last.getFailedCount()];

/** All of it. */
export async function judge(bench) {
  await judgeJob(bench);
  await judgeRefusals(bench);
  await judgeStatusErrors(bench);
  await judgeFaults(bench);
}

/** A job from its submission to its end. */
async function judgeJob({ court, simulator }) {
  const ids = await simulator.add('Cases', 2);
  const [first, second, kept] = await simulator.tag('Cases', ['first', 'second', 'kept'], ...ids);
  await court.check('mass delete tags: scheduled, running, completed', async (check) => {
    const job = await submitted(check, simulator, 'Cases', [first, second]);
    const { seen, last } = await awaitEnd(check, job);
    // A slow machine may miss a phase, but neither both nor their order.
    const order = ['SCHEDULED', 'RUNNING', 'COMPLETED'].filter((status) => seen.includes(status));
    check.same('statuses', [seen, seen.length > 1, seen.at(-1)], [order, true, 'COMPLETED']);
    check.same('counts', counts(last), [2, 2, 0]);
    check.same('tags', await simulator.tags('Cases'), { kept });
    check.same(
      'carried',
      await simulator.tagsOf('Cases', ...ids),
      ids.map(() => ['kept']),
    );
  });
  const open = 'mass delete tags: while one is open another is ALREADY_SCHEDULED';
  await court.check(open, async (check) => {
    const [next] = await simulator.tag('Cases', ['next']);
    const job = await submitted(check, simulator, 'Cases', [next]);
    refused(check, await submit('Cases', [kept]), 400, 'ALREADY_SCHEDULED');
    await awaitEnd(check, job);
    check.same('tags', await simulator.tags('Cases'), { kept });
  });
}

/** Submissions that are refused as a whole, each with the place that is wrong. */
async function judgeRefusals({ court, simulator }) {
  const [good, used] = await simulator.tag('Solutions', ['good', 'used']);
  const [other] = await simulator.tag('Calls', ['of another module']);
  await simulator.useTags('Solutions', 'used');
  const wrong = { api_name: 'id', json_path: '$.mass_delete[0].tags[1].id' };
  const many = Array.from({ length: 201 }, (_, number) => String(BigInt(UNKNOWN) + BigInt(number)));
  const path = '$.mass_delete[0].tags';
  const tooMany = { api_name: 'tags', json_path: path, maximum_length: 200 };
  for (const [name, tags, code, expected] of [
    ['an unknown tag', [good, UNKNOWN], 'INVALID_DATA', wrong],
    ['a tag of another module', [good, other], 'INVALID_DATA', wrong],
    ['a tag in use', [good, used], 'NOT_ALLOWED', wrong],
    ['201 tags', many, 'INVALID_DATA', tooMany],
  ]) {
    await court.check(`mass delete tags: ${name} is ${code}`, async (check) => {
      refused(check, await submit('Solutions', tags), 400, code, expected);
    });
  }
  const ambiguous = "mass delete tags: another module's id is AMBIGUITY_DURING_PROCESSING";
  await court.check(ambiguous, async (check) => {
    const answer = await submit('Solutions', [good], await moduleId('Calls'));
    refused(check, answer, 400, 'AMBIGUITY_DURING_PROCESSING');
    const causes = answer.getObject().getDetails().get('ambiguity_due_to');
    const names = causes.map((cause) => cause.getAPIName()).sort();
    check.same('causes', names, ['api_name', 'id']);
  });
  await court.check('mass delete tags: refused submissions left every tag', async (check) => {
    check.same('tags', await simulator.tags('Solutions'), { good, used });
  });
}

/** The answer about a job that there is not. */
async function judgeForgotten(check, job) {
  const answer = await ask(job);
  check.same('status', answer.getStatusCode(), 400);
  check.same('results', items(answer), ['StatusResponseWrapper', error('INVALID_DATA')]);
  const [result] = answer.getObject().getMassDelete();
  check.same('job', String(details(result).job_id), job);
  check.same('message', result.getMessage(), 'job details not found');
}

/** Questions about no job. */
async function judgeStatusErrors({ court }) {
  await court.check('mass delete tags: a status without job_id is refused', async (check) => {
    const answer = await operations.getStatus();
    refused(check, answer, 400, 'REQUIRED_PARAM_MISSING', { param_name: 'job_id' });
  });
  await court.check('mass delete tags: an unknown job is INVALID_DATA', async (check) => {
    await judgeForgotten(check, UNKNOWN);
  });
}

/** Jobs that end otherwise, and submissions whose answer is an error. */
async function judgeFaults({ court, simulator }) {
  const applied = 'mass delete tags under internal-error-applied: an error, but the job runs';
  await court.check(applied, async (check) => {
    const [tag] = await simulator.tag('Events', ['under way']);
    await simulator.plan('internal-error-applied');
    refused(check, await submit('Events', [tag]), 500, 'INTERNAL_ERROR');
    await awaitEnd(check, (await simulator.jobs()).at(-1).job_id);
    check.same('tags', await simulator.tags('Events'), {});
  });
  const count = async () => Object.keys(await simulator.tags('Tasks')).length;
  for (const [fault, status, counted, left] of [
    ['job-fails', 'FAILED', undefined, 2],
    ['job-partial', 'COMPLETED', [2, 1, 1], 1],
  ]) {
    const name = `mass delete tags under ${fault}: ${status}, ${left} of 2 left`;
    if (court.leftOut(name)) {
      continue;
    }
    await court.check(name, async (check) => {
      const tags = await simulator.tag('Tasks', [`${fault} 1`, `${fault} 2`]);
      const before = await count();
      await simulator.plan(fault);
      const job = await submitted(check, simulator, 'Tasks', tags);
      const { seen, last } = await awaitEnd(check, job);
      check.same('last', seen.at(-1), status);
      check.same('counts', counts(last), counted ?? counts(last));
      check.same('left', (await count()) - before + 2, left);
    });
  }
  const forgotten = 'mass delete tags under job-forgotten: an unknown job after its end';
  if (court.leftOut(forgotten)) {
    return;
  }
  await court.check(forgotten, async (check) => {
    const [tag] = await simulator.tag('Tasks', ['forgotten']);
    await simulator.plan('job-forgotten');
    const job = await submitted(check, simulator, 'Tasks', [tag]);
    const deadline = Date.now() + PATIENCE_MS;
    while ('forgotten' in (await simulator.tags('Tasks')) && Date.now() < deadline) {
      await sleep(100);
    }
    await judgeForgotten(check, job);
  });
}
