/** The simulator from behind: what happened in it, and what shall happen. */

import assert from 'node:assert/strict';

/** A running `journal simulate`. */
export class Simulator {
  constructor(started) {
    this.apiUrl = started.api_url;
    this.accountsUrl = started.accounts_url;
    this.credentials = {
      clientId: started.client_id,
      clientSecret: started.client_secret,
      refreshToken: started.refresh_token,
      grantCode: started.grant_code,
    };
  }

  /** Makes records; their ids, ascending. */
  async add(module, count) {
    return (await this.#call('add', { module, count })).ids;
  }

  /** Interferes with records: lock, unapprove, purge, … */
  async change(control, module, ...ids) {
    const { changed } = await this.#call(control, { module, ids });
    assert.equal(changed, ids.length, `${control} changed ${changed} of ${ids.length} records`);
  }

  /** Another user makes tags and puts them on records; the tags' ids. */
  async tag(module, names, ...records) {
    return (await this.#call('tags', { module, names, records })).ids;
  }

  /** A workflow uses these tags. */
  async useTags(module, ...names) {
    await this.#call('use_tags', { module, names });
  }

  /** The tags of a module: name to id. */
  async tags(module) {
    return (await this.state()).tags[module] ?? {};
  }

  /** The names of the tags that records carry. */
  async tagsOf(module, ...ids) {
    const carried = (await this.state()).record_tags[module] ?? {};
    return ids.map((id) => [...(carried[id] ?? [])].sort());
  }

  /** Another user puts records on a related list. */
  async link(module, parent, list, ...ids) {
    const { changed } = await this.#call('link', { module, parent, list, ids });
    assert.equal(changed, ids.length, `${changed} of ${ids.length} records were linked`);
  }

  /** Notes on a record; their ids. */
  async notes(module, parent, count) {
    return (await this.#call('notes', { module, parent, count })).ids;
  }

  /** The ids on a related list. */
  async linked(module, parent, list) {
    const { links } = await this.state();
    return [...(links[module]?.[parent]?.[list] ?? [])].sort();
  }

  /** All jobs, in the order of their submission. */
  async jobs() {
    return (await this.state()).jobs;
  }

  /** The next calls meet these faults, and no others that are left over. */
  async plan(...faults) {
    await this.#call('faults', { clear: true, next: faults });
  }

  /** Everything at this moment. */
  async state() {
    return this.#call('state');
  }

  /** Where records are: live, binned, purged or nowhere. */
  async place(module, ...ids) {
    const places = (await this.state()).modules[module];
    const find = (id) => ['live', 'binned', 'purged'].find((name) => places[name].includes(id));
    return ids.map((id) => find(id) ?? 'nowhere');
  }

  /** All API calls that arrived. */
  async requests() {
    return (await this.#call('requests')).requests;
  }

  async #call(path, body) {
    const options = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(`${this.apiUrl}/_simulator/${path}`, options);
    assert.equal(answer.status, 200, `${path}: ${answer.status}`);
    return answer.json();
  }
}
