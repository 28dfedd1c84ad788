import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routes } from '../../src/rest/routes.ts';
import { createMemoryRest } from '../support/memory-rest.ts';

/**
 * Whatever is sent, only coded errors come out, and what a 2xx said a later GET shows. 500 is left to what a connector
 * says of offsets, which Java answers so.
 */
const names = ['a', 'b', 'é 😀', 'x/y', '', ' ', '..', '%', 'a'.repeat(1500), '\ud800', 'constructor', '__proto__'];
const word = fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 8 }));

const segment = fc.oneof(
  { weight: 4, arbitrary: word.map((text) => encodeURIComponent(text.toWellFormed())) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom('%', '2', 'F', '/', '.', ';', 'a', '\u0000', '#') }) },
);
const knownPath = fc
  .tuple(fc.constantFrom(...routes.map(({ path }) => path)), fc.infiniteStream(segment))
  .map(([path, stream]) =>
    path.replace(/\{(\w+)\}/g, (_, name) => (name === 'task' ? '0' : (stream.next().value as string))),
  );
const anyPath = fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`);
const query = fc.oneof(
  fc.constantFrom('', 'expand=status&expand=info', 'includeTasks=true&onlyFailed=true', 'scope=cluster', '%', '=&&='),
  fc.string({ maxLength: 10 }),
);

const configValue = fc.oneof(
  fc.constantFrom('FileStreamSource', 'FileStreamSink', 'RegexRouter', '1', '0', 'abc', 'true', 'a,b', 'a,a', ''),
  fc.jsonValue({ maxDepth: 1 }),
);
const configKey = fc.constantFrom(
  'connector.class',
  'name',
  'topic',
  'topics',
  'file',
  'tasks.max',
  'transforms',
  'transforms.a.type',
  'predicates',
  'key.converter',
  'errors.tolerance',
  'topic.creation.groups',
  'drover.schedule',
  'drover.typo',
  'producer.override.acks',
  '__proto__',
);
const config = fc.oneof(
  fc.dictionary(configKey, configValue, { maxKeys: 6 }),
  fc.constant({ 'connector.class': 'FileStreamSource', topic: 't', file: 'f' }),
  fc.constant({ 'connector.class': 'FileStreamSink', topics: 't' }),
);
const offset = fc.record(
  {
    partition: fc.oneof(
      fc.constant({ filename: 'f' }),
      fc.constant({ kafka_topic: 't', kafka_partition: 0 }),
      fc.jsonValue({ maxDepth: 2 }),
    ),
    offset: fc.oneof(fc.constant({ position: 1 }), fc.constant({ kafka_offset: 1 }), fc.jsonValue({ maxDepth: 2 })),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  fc.constant(undefined),
  fc.string({ maxLength: 20 }),
  fc.jsonValue({ maxDepth: 3 }),
  config,
  fc.record(
    { name: word, config, initial_state: fc.constantFrom('STOPPED', 'paused', 'x', null) },
    { requiredKeys: [] },
  ),
  fc.record({ offsets: fc.array(offset, { maxLength: 3 }) }),
  fc.record({ level: fc.oneof(fc.constantFrom('INFO', 'debug', 'x'), fc.jsonValue({ maxDepth: 0 })) }),
);
const request = fc.record({
  method: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE') },
    { weight: 1, arbitrary: fc.oneof(fc.constantFrom('HEAD', 'OPTIONS', 'TRACE'), fc.string({ maxLength: 5 })) },
  ),
  path: fc.oneof({ weight: 5, arbitrary: knownPath }, { weight: 1, arbitrary: anyPath }),
  query,
  body,
});

describe('any request', () => {
  it('gets an answer of the API, and only its own coded errors', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), async (requests) => {
        const rest = createMemoryRest();
        for (const { method, path, query: text, body: sent } of requests) {
          const { status, body: answer } = await rest.call(method, `${path.replaceAll('?', '')}?${text}`, sent);
          const told = `${method} ${path} ${JSON.stringify(sent)} → ${status} ${JSON.stringify(answer)}\n${rest.log.join('\n')}`;
          if (status >= 400 && method !== 'HEAD') {
            expect(Object.keys(answer as object), told).toEqual(['error_code', 'message']);
            expect((answer as { error_code: number }).error_code, told).toBe(status);
          }
          if (status >= 500) {
            expect(path, told).toMatch(/offsets$/);
            expect((answer as { message: string }).message, told).not.toMatch(/Internal/);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('I6: what was answered with 2xx is what later reads show', async () => {
    const name = fc.constantFrom('a', 'b', 'é 😀');
    const step = fc.oneof(
      fc.record({ verb: fc.constant('create' as const), name, config, state: fc.constantFrom('RUNNING', 'STOPPED') }),
      fc.record({ verb: fc.constant('put' as const), name, config }),
      fc.record({ verb: fc.constant('patch' as const), name, config }),
      fc.record({ verb: fc.constant('delete' as const), name }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        const rest = createMemoryRest();
        const model = new Map<string, unknown>();
        for (const given of steps) {
          const path = `/connectors/${encodeURIComponent(given.name)}`;
          if (given.verb === 'delete') {
            const { status } = await rest.call('DELETE', path);
            expect(status).toBe(model.delete(given.name) ? 204 : 404);
          } else {
            const { status, body: answer } =
              given.verb === 'create'
                ? await rest.call('POST', '/connectors', {
                    name: given.name,
                    config: given.config,
                    initial_state: given.state,
                  })
                : await rest.call(given.verb === 'put' ? 'PUT' : 'PATCH', `${path}/config`, given.config);
            if (status < 300) {
              expect(status === 201).toBe(!model.has(given.name));
              model.set(given.name, (answer as { config: unknown }).config);
            }
          }
          expect((await rest.call('GET', '/connectors')).body).toEqual([...model.keys()].sort());
          for (const [known, wanted] of model) {
            expect((await rest.call('GET', `/connectors/${encodeURIComponent(known)}/config`)).body).toEqual(wanted);
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
