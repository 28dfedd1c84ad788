import type { NamePage } from '../herder/name-page.ts';
import { badRequest } from './read-body.ts';
import type { Query } from './rest-request.ts';

/** `limit` and `after`: a page of connectors. Without them all are asked for, as Java knows it. */
export function readPage(query: Query): NamePage {
  const [after, text] = [query.first('after'), query.first('limit')];
  const limit = text === null ? undefined : Number(text);
  if (limit !== undefined && !(Number.isInteger(limit) && limit > 0 && text !== '')) {
    throw badRequest(`limit is ${text}: it must be a whole number above 0`);
  }
  return { ...(after === null || after === '' ? {} : { after }), ...(limit === undefined ? {} : { limit }) };
}

/** What the answer says of the next page. */
export const nextPage = (next: string | null) => (next === null ? null : { after: next });
