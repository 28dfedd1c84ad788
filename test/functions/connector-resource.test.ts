import { beforeEach, describe, expect, it } from 'vitest';
import { connectors } from '../../connectors/index.ts';
import { type ConnectorResourceDeps, handleConnectorResource } from '../../functions/connector-resource.ts';
import { parseResourceRequest, type ResourceAnswer } from '../../src/invocation/custom-resource.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { HastyClock } from '../support/hasty-clock.ts';

import { actConnectorRun, createMemoryRest, type MemoryRest } from '../support/memory-rest.ts';

const stack = 'arn:aws:cloudformation:eu-west-1:111122223333:stack/Orders/1';
const config = { 'connector.class': 'FileStreamSource', file: '/a', topic: 'a' };

let rest: MemoryRest;
let clock: HastyClock;
let deps: ConnectorResourceDeps;
let log: string[];

beforeEach(() => {
  clock = new HastyClock();
  rest = createMemoryRest({ clock, plugins: connectors });
  log = [];
  deps = {
    herder: rest.herder,
    configs: rest.stores.config,
    declarations: rest.stores.declarations,
    clock,
    telemetry: createTelemetry({ clock, write: (line) => log.push(line) }),
  };
});

interface Asked {
  readonly id?: string;
  readonly resource?: string;
  readonly stack?: string;
  readonly withinMs?: number;
}

const defaults = { Name: 'orders', Config: config, InitialState: 'RUNNING', OnRemoval: 'delete', ServiceToken: 'arn' };

/** As CloudFormation asks, within five minutes. */
function ask(
  kind: 'Create' | 'Update' | 'Delete',
  properties: object = {},
  asked: Asked = {},
): Promise<ResourceAnswer> {
  const event = {
    RequestType: kind,
    RequestId: 'request',
    StackId: asked.stack ?? stack,
    LogicalResourceId: asked.resource ?? 'Orders',
    ResponseURL: 'https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/x?y=z',
    ResourceProperties: { ...defaults, ...properties },
    ...(kind === 'Create' ? {} : { PhysicalResourceId: asked.id ?? 'orders' }),
  };
  return handleConnectorResource(
    deps,
    parseResourceRequest(event, undefined),
    clock.now() + (asked.withinMs ?? 300_000),
  );
}

const done = (id = 'orders', data: object = {}) => ({
  physicalId: id,
  failure: null,
  data: expect.objectContaining(data),
});
const names = async () => (await rest.herder.connectorNames()).names;
const configOf = (name: string) => rest.herder.connectorConfig(name);

describe('a connector of a stack', () => {
  it('is created, changed, found unchanged, and deleted', async () => {
    expect(await ask('Create')).toEqual(done('orders', { Change: 'created', Drift: '' }));
    expect(await configOf('orders')).toEqual({ ...config, name: 'orders' });
    expect(await ask('Update')).toEqual(done('orders', { Change: 'none' }));
    expect(await ask('Update', { Config: { ...config, file: '/b' } })).toEqual(done('orders', { Change: 'changed' }));
    expect(await configOf('orders')).toMatchObject({ file: '/b' });
    expect(await ask('Delete')).toEqual(done());
    expect(await names()).toEqual([]);
    expect((await rest.stores.declarations.declarations('orders')).list).toEqual([]);
  });

  it('that is asked for twice, as Lambda may, is the same', async () => {
    expect(await ask('Create')).toEqual(done());
    expect(await ask('Create')).toEqual(done('orders', { Change: 'none' }));
    expect(await ask('Delete')).toEqual(done());
    expect(await ask('Delete')).toEqual(done());
    expect(await names()).toEqual([]);
  });

  it('begins in its initial state; one that somebody has paused since is left so', async () => {
    await ask('Create', { InitialState: 'PAUSED' });
    const target = async () => (await rest.stores.config.getConnector('orders'))?.targetState;
    expect(await target()).toBe('PAUSED');
    await rest.herder.setTargetState('orders', 'STOPPED');
    await ask('Update', { InitialState: 'RUNNING', Config: { ...config, file: '/b' } });
    expect(await target()).toBe('STOPPED');
    expect(await ask('Create', { InitialState: 'ASLEEP', Name: 'other' })).toMatchObject({
      failure: 'The initial_state must be one of RUNNING, PAUSED, STOPPED, not ASLEEP',
    });
  });

  it('begins at its initial offsets, digits and all, once', async () => {
    const InitialOffsets = '[{"partition":{"filename":"/a"},"offset":{"position":9007199254740993}}]';
    expect(await ask('Create', { InitialOffsets })).toEqual(done());
    const offsets = [{ partition: '{"filename":"/a"}', offset: '{"position":9007199254740993}' }];
    expect(await rest.herder.offsets('orders')).toEqual(offsets);
    expect((await rest.stores.config.getConnector('orders'))?.targetState).toBe('STARTED');
    expect(await ask('Create', { InitialOffsets: '[{"partition":{"filename":"/a"},"offset":null}]' })).toEqual(done());
    expect(await rest.herder.offsets('orders')).toEqual(offsets);
  });

  it('whose initial offsets the connector refuses is not there', async () => {
    const InitialOffsets = '[{"partition":{"file":"/a"},"offset":{"position":-1}}]';
    const refused = await ask('Create', { InitialOffsets });
    expect(refused.failure).toMatch(/offset|partition/i);
    expect(await names()).toEqual([]);
    expect(await ask('Delete')).toEqual(done());
    expect(await ask('Create', { InitialOffsets: '{"a":1}', Name: 'other' })).toMatchObject({
      failure: 'The "offsets" must be a list',
    });
  });

  it('that validate refuses fails with its words, each behind its setting, and leaves nothing', async () => {
    const bad = { ...config, topic: undefined, 'tasks.max': '0', 'transforms.a.b': 'c', transforms: 'a' };
    const { failure, physicalId } = await ask('Create', { Config: JSON.parse(JSON.stringify(bad)) });
    expect(physicalId).toBe('orders');
    expect(failure).toContain('tasks.max: Invalid value 0 for configuration tasks.max: Value must be at least 1');
    expect(failure).toContain('topic: Missing required configuration "topic" which has no default value.');
    expect(failure).toContain('transforms.a.type: ');
    expect(await names()).toEqual([]);
    expect(await ask('Delete', { Config: bad })).toEqual(done());
    for (const [Config, words] of [
      [{ 'connector.class': 'Nowhere' }, 'which name matches Nowhere, available connectors are'],
      [{ file: '/a' }, 'contains no connector type'],
      [{ ...config, name: 'others' }, 'name: the config says others, and the connector is called orders'],
    ] as const) {
      expect((await ask('Create', { Config })).failure).toContain(words);
    }
  });

  it('that is changed to what validate refuses stays as it was, also when the change is taken back', async () => {
    await ask('Create');
    const { failure, physicalId } = await ask('Update', { Config: { ...config, 'tasks.max': 'many' } });
    expect(failure).toContain('tasks.max: ');
    expect(physicalId).toBe('orders');
    expect(await configOf('orders')).toEqual({ ...config, name: 'orders' });
    expect(await ask('Update')).toEqual(done('orders', { Change: 'none', Drift: '' }));
  });

  it('is mended where somebody has changed it, and says what', async () => {
    await ask('Create');
    await rest.herder.putConnectorConfig('orders', { ...config, file: '/elsewhere', 'tasks.max': '1' });
    expect(await ask('Update')).toEqual(done('orders', { Change: 'changed', Drift: 'file, tasks.max' }));
    expect(await configOf('orders')).toEqual({ ...config, name: 'orders' });
    expect(log.join('')).toContain('somebody had changed file, tasks.max');
    await rest.herder.deleteConnector('orders');
    expect(await ask('Update')).toEqual(done('orders', { Change: 'created', Drift: 'name' }));
    expect(await names()).toEqual(['orders']);
  });

  it('that gets another name is made before the old one goes, which does not take the new one with it', async () => {
    await ask('Create');
    expect(await ask('Update', { Name: 'bills' })).toEqual(done('bills', { Change: 'created' }));
    expect(await names()).toEqual(['bills', 'orders']);
    expect(await ask('Delete', {}, { id: 'orders' })).toEqual(done('orders'));
    expect(await names()).toEqual(['bills']);
  });

  it('gets its old name back when the renaming is rolled back', async () => {
    await ask('Create');
    await ask('Update', { Name: 'bills' });
    expect(await ask('Update', {}, { id: 'bills' })).toEqual(done('orders', { Change: 'none' }));
    expect(await ask('Delete', { Name: 'bills' }, { id: 'bills' })).toEqual(done('bills'));
    expect(await names()).toEqual(['orders']);
  });

  it('whose names are exchanged with those of another stays, as does the other', async () => {
    await ask('Create', { Name: 'a', Config: { ...config, file: '/1' } }, { resource: 'One' });
    await ask('Create', { Name: 'b', Config: { ...config, file: '/2' } }, { resource: 'Two' });
    await ask('Update', { Name: 'b', Config: { ...config, file: '/1' } }, { resource: 'One', id: 'a' });
    await ask('Update', { Name: 'a', Config: { ...config, file: '/2' } }, { resource: 'Two', id: 'b' });
    await ask('Delete', { Name: 'a', Config: { ...config, file: '/1' } }, { resource: 'One', id: 'a' });
    await ask('Delete', { Name: 'b', Config: { ...config, file: '/2' } }, { resource: 'Two', id: 'b' });
    expect([(await configOf('a')).file, (await configOf('b')).file]).toEqual(['/2', '/1']);
  });

  it('whose construct is moved in the app is handed over, and back when that is rolled back', async () => {
    await ask('Create');
    const moved = { Config: { ...config, file: '/moved' } };
    expect(await ask('Create', moved, { resource: 'Moved' })).toEqual(done('orders', { Change: 'changed' }));
    expect(await ask('Delete', moved, { resource: 'Moved' })).toEqual(done());
    expect(await configOf('orders')).toEqual({ ...config, name: 'orders' });
    await ask('Create', moved, { resource: 'Moved' });
    expect(await ask('Delete')).toEqual(done());
    expect(await configOf('orders')).toMatchObject({ file: '/moved' });
    expect(await ask('Delete', moved, { resource: 'Moved' })).toEqual(done());
    expect(await names()).toEqual([]);
  });

  it('of another stack, or of nobody, is not taken away', async () => {
    await ask('Create', {}, { stack: 'arn:other', resource: 'Theirs' });
    const { failure } = await ask('Create', { Config: { ...config, file: '/mine' } });
    expect(failure).toContain('Connector orders is declared by Theirs of arn:other');
    expect(await ask('Delete')).toEqual(done());
    expect(await configOf('orders')).toMatchObject({ file: '/a' });
    await rest.herder.createConnector('by-hand', config, 'STARTED');
    const byHand = { Name: 'by-hand' };
    expect((await ask('Create', byHand)).failure).toContain('no stack has declared it');
    expect(await ask('Delete', byHand, { id: 'by-hand' })).toEqual(done('by-hand'));
    expect(await names()).toEqual(['by-hand', 'orders']);
    const adopted = { ...byHand, Adopt: 'true', OnRemoval: 'keep', Config: { ...config, file: '/b' } };
    expect(await ask('Create', adopted)).toEqual(done('by-hand', { Change: 'changed' }));
    expect(await ask('Delete', adopted, { id: 'by-hand' })).toEqual(done('by-hand'));
    expect(await names()).toEqual(['by-hand', 'orders']);
  });

  it('that a renaming would take from somebody keeps its name', async () => {
    await ask('Create');
    await rest.herder.createConnector('by-hand', config, 'STARTED');
    const refused = await ask('Update', { Name: 'by-hand' });
    expect(refused).toMatchObject({
      physicalId: 'orders',
      failure: expect.stringContaining('no stack has declared it'),
    });
    expect(await ask('Update')).toEqual(done('orders', { Change: 'none' }));
  });

  it('is found by its name when its creation could not be answered', async () => {
    await ask('Create');
    expect(await ask('Delete', {}, { id: 'Orders-Orders-1ABCDEF' })).toEqual(done('Orders-Orders-1ABCDEF'));
    expect(await names()).toEqual([]);
  });

  it('stays when it is to, and may be declared by another stack then', async () => {
    await ask('Create');
    expect(await ask('Delete', { OnRemoval: 'keep' })).toEqual(done());
    expect(await names()).toEqual(['orders']);
    const elsewhere = { stack: 'arn:other', resource: 'Theirs' };
    expect(await ask('Create', { Adopt: 'true', OnRemoval: 'keep' }, elsewhere)).toEqual(
      done('orders', { Change: 'none' }),
    );
  });

  it('keeps its offsets when it goes, or is stopped first and loses them', async () => {
    const InitialOffsets = '[{"partition":{"filename":"/a"},"offset":{"position":5}}]';
    await ask('Create', { InitialOffsets });
    await ask('Delete');
    await ask('Create');
    expect(await rest.herder.offsets('orders')).toHaveLength(1);
    await actConnectorRun(rest, 'orders', [{}]);
    clock.meanwhile = () => actConnectorRun(rest, 'orders', []);
    expect(await ask('Delete', { OnRemoval: 'delete-with-offsets' })).toEqual(done());
    await ask('Create');
    expect(await rest.herder.offsets('orders')).toEqual([]);
  });

  it('whose tasks do not stop is not deleted without a word', async () => {
    await ask('Create');
    await actConnectorRun(rest, 'orders', [{}]);
    const removal = await ask('Delete', { OnRemoval: 'delete-with-offsets' });
    expect(removal.failure).toContain('its tasks have not stopped yet: try again');
    expect(await names()).toEqual(['orders']);
  });

  it('gets an answer before the time is over, whatever it waits for', async () => {
    const herder = { ...rest.herder, validateConnectorConfig: () => new Promise<never>(() => {}) };
    deps = { ...deps, herder };
    const { failure } = await ask('Create', {}, { withinMs: 12_000 });
    expect(failure).toContain('It was not done in time');
  });

  it('says nothing of an error that nobody foresaw but that it was one, and the log does', async () => {
    const herder = {
      ...rest.herder,
      createConnector: async () => {
        throw new TypeError('secret inside');
      },
    };
    deps = { ...deps, herder };
    const { failure } = await ask('Create');
    expect(failure).toBe('Internal server error; the log tells more');
    expect(log.join('')).toContain('secret inside');
    expect((await rest.stores.declarations.declarations('orders')).list).toEqual([]);
  });

  it.each([
    [{ Name: '' }, 'The property Name is missing'],
    [{ Name: 7 }, 'The property Name is missing'],
    [{ Config: 'x' }, 'The property Config must be an object of texts'],
    [{ Config: { ...config, file: ['a'] } }, 'The property Config.file must be a text'],
    [{ Config: JSON.parse('{"__proto__":"x","connector.class":"FileStreamSource"}') }, 'topic: '],
    [{ InitialOffsets: '[{' }, ''],
    [{ InitialOffsets: 5 }, 'The property InitialOffsets must be a text'],
  ])('of properties that nobody wrote so is refused: %j', async (properties, words) => {
    const { failure } = await ask('Create', properties);
    expect(failure).toContain(words);
    expect(await names()).toEqual([]);
  });
});
