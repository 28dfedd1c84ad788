import { describe, expect, it } from 'vitest';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import { createMemoryRest } from '../support/memory-rest.ts';

const names = ['a', 'b & c', 'd', 'g', 'é/f'];

async function restWithFive() {
  const rest = createMemoryRest({ stores: createMemoryStores({ pageSize: 2 }) });
  for (const name of names) {
    const config = { name, 'connector.class': 'FileStreamSource', topic: 't', file: 'f' };
    await rest.stores.config.createConnector(name, 'source', config, 'STARTED', 0);
  }
  const call = (path: string, query: string) =>
    rest.app({
      method: 'GET',
      path,
      query,
      pathDecoded: false,
      headers: {},
      body: '',
      baseUrl: 'https://host/prod',
    });
  /** Follows `Link` to the end; the bodies of the pages. */
  const follow = async (path: string, query: string) => {
    const bodies: unknown[] = [];
    for (let next: string | null = query; next !== null; ) {
      const { status, headers, body } = await call(path, next);
      expect(status).toBe(200);
      bodies.push(JSON.parse(body));
      const [, target] = /^<https:\/\/host\/prod([^>]*)>; rel="next"$/.exec(headers.link ?? '') ?? [];
      if (headers.link !== undefined) expect(target).toMatch(new RegExp(`^${path}\\?`));
      next = target === undefined ? null : target.slice(path.length + 1);
    }
    return bodies;
  };
  return { rest, call, follow };
}

describe('pages of connectors', () => {
  it('without a limit all are told at once, as Java does', async () => {
    const { follow } = await restWithFive();
    expect(await follow('/connectors', '')).toEqual([names]);
  });

  it.each([1, 2, 3])('%i at a time, each is told once, and the header says where the next ones are', async (limit) => {
    const { follow } = await restWithFive();
    const pages = (await follow('/connectors', `limit=${limit}`)) as string[][];
    expect(pages.flat()).toEqual(names);
    expect(Math.max(...pages.map((page) => page.length))).toBe(limit);
  });

  it('what is expanded is paged likewise, and so are reports', async () => {
    const { follow } = await restWithFive();
    const expanded = (await follow('/connectors', 'expand=info&expand=status&limit=2')) as object[];
    expect(expanded.flatMap((page) => Object.keys(page))).toEqual(names);
    expect(expanded).toHaveLength(3);
    const reports = (await follow('/drover/connectors', 'limit=4')) as { connectors: { name: string }[] }[];
    expect(reports.map(({ connectors }) => connectors.map(({ name }) => name))).toEqual([
      names.slice(0, 4),
      names.slice(4),
    ]);
  });

  it('goes on behind a connector that has gone since', async () => {
    const { rest, call } = await restWithFive();
    await rest.stores.config.deleteConnector('b & c', 0);
    expect(JSON.parse((await call('/connectors', 'limit=2&after=b+%26+c')).body)).toEqual(['d', 'g']);
  });

  it.each(['0', '-1', '1.5', 'many', ''])('limit=%s is refused by name', async (limit) => {
    const { call } = await restWithFive();
    const { status, body } = await call('/connectors', `limit=${limit}`);
    expect(status).toBe(400);
    expect((JSON.parse(body) as { message: string }).message).toContain('limit');
  });
});
