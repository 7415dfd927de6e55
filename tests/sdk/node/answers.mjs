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
