/** What the SDK made of an answer, in words that can be compared. */

import { sdk } from './sdk.mjs';

/** A single value: the SDK wraps enumerations in `Choice`. */
export function words(value) {
  return String(value instanceof sdk.Choice ? value.getValue() : value);
}

/** A result, such as `SuccessResponse SUCCESS success 4150868000005067099`. */
export function item(result) {
  if (result == null) {
    return 'nothing';
  }
  const id = result.getDetails()?.get('id') ?? '-';
  const kind = result.constructor.name;
  return `${kind} ${words(result.getCode())} ${words(result.getStatus())} ${id}`;
}

/** All results of an answer; its own kind first. */
export function items(answer) {
  const body = answer.getObject();
  if (body == null) {
    return ['nothing'];
  }
  for (const getter of ['getData', 'getTags', 'getMassDelete', 'getRecycleBin']) {
    if (typeof body[getter] === 'function') {
      return [body.constructor.name, ...(body[getter]() ?? []).map(item)];
    }
  }
  return [item(body)];
}

/** The message of a result. */
export function message(result) {
  return words(result.getMessage());
}

/** The details of an error as a plain object. */
export function details(error) {
  return Object.fromEntries(error.getDetails());
}

/** A result that tells of success. */
export const success = (id) => `SuccessResponse SUCCESS success ${id}`;

/** A result, or a call, that failed. */
export const error = (code, id = '-') => `APIException ${code} error ${id}`;

/** Status, kind of the answer and all of its results. */
export function compare(check, answer, status, ...expected) {
  check.same('status', answer.getStatusCode(), status);
  check.same('results', items(answer), expected);
}

/** A flat error for the call as a whole. */
export function refused(check, answer, status, code, expected) {
  compare(check, answer, status, error(code));
  if (expected !== undefined) {
    check.same('details', details(answer.getObject()), expected);
  }
}

/** 204. */
export function nothing(check, answer) {
  check.same('answer', [answer.getStatusCode(), answer.getObject()], [204, null]);
}

/** The names of the tags that a result of tagging tells of. */
export function tagsLeft(result) {
  return result
    .getDetails()
    .get('tags')
    .map((tag) => tag.getName())
    .sort();
}
