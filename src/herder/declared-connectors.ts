import type { Clock } from '../clock.ts';
import type { Settings } from '../config/config-def.ts';
import { ConflictError, ConnectError } from '../errors.ts';
import type { ConfigBackingStore } from '../storage/config-backing-store.ts';
import type { Declaration, DeclarationStore } from '../storage/declaration-store.ts';
import type { ConnectorOffset } from './connector-offsets.ts';
import type { Herder, TargetState } from './herder.ts';

/* Connectors that stacks declare: what a deployment asks for is held against what is there, and made so. */

/** A resource of a CloudFormation stack. */
export type Declarer = Pick<Declaration, 'stack' | 'resource'>;

export interface DeclaredConnector {
  readonly name: string;
  readonly config: Settings;
  /** Of a connector that is not there yet. */
  readonly initialState: TargetState;
  /** Of a connector that is made for the first time; null: it has none. */
  readonly initialOffsets: readonly ConnectorOffset[] | null;
  /** Take over a connector that is there, and that nobody has declared. */
  readonly adopt: boolean;
}

/** What becomes of the connector when nobody declares it any more. */
export type OnRemoval = 'keep' | 'delete' | 'delete-with-offsets';

export interface DeclarationReport {
  readonly change: 'created' | 'changed' | 'none';
  /** Settings that were not as this resource had left them, by name; `name` itself: the connector was not there. */
  readonly drift: readonly string[];
}

export interface DeclarationDeps {
  readonly herder: Herder;
  readonly configs: Pick<ConfigBackingStore, 'getConnector' | 'getConnectorAndTasks'>;
  readonly declarations: DeclarationStore;
  readonly clock: Clock;
}

/**
 * Has the connector there as it is declared; the same again changes nothing, so that it may be repeated after any death.
 * `first`: the resource is new, else it has declared a connector before. Throws ConnectError `config.invalid` that names
 * each setting at fault, ConflictError for a connector that is somebody else's.
 */
export async function declareConnector(
  deps: DeclarationDeps,
  by: Declarer,
  wanted: DeclaredConnector,
  first: boolean,
): Promise<DeclarationReport> {
  const { name, config } = wanted;
  await requireDeclarable(deps.herder, name, config);
  const before = await claim(deps, by, wanted);
  try {
    return await bringAbout(deps, wanted, first, before.find(isBy(by)) ?? null);
  } catch (error) {
    // What could not be brought about is not declared: its removal must find nothing that it may delete.
    if (!before.some(isBy(by))) await restore(deps, by, name, before);
    throw error;
  }
}

/** Makes the connector what it is when this resource is gone. No effect for one that it has not declared. */
export async function withdrawConnector(
  deps: DeclarationDeps,
  by: Declarer,
  name: string,
  onRemoval: OnRemoval,
  deadlineAt: number,
): Promise<'gone' | 'kept' | 'handed-back' | 'not-declared'> {
  const { list } = await deps.declarations.declarations(name);
  if (!list.some(isBy(by))) return 'not-declared';
  const others = list.filter((one) => !isBy(by)(one));
  const next = others.at(-1);
  if (next !== undefined) {
    // The resource that takes over, or the one that gets it back because the deployment is rolled back.
    if (isBy(by)(list.at(-1)!)) await deps.herder.putConnectorConfig(name, next.config);
    await change(deps, name, (now) => now.filter((one) => !isBy(by)(one)));
    return 'handed-back';
  }
  const there = await deps.configs.getConnector(name);
  if (onRemoval === 'delete-with-offsets' && there !== undefined) await resetOffsets(deps, name, deadlineAt);
  if (onRemoval !== 'keep') await deleteConnector(deps, name, deadlineAt);
  await change(deps, name, (now) => now.filter((one) => !isBy(by)(one)));
  return onRemoval === 'keep' ? 'kept' : 'gone';
}

const isBy = (by: Declarer) => (one: Declarer) => one.stack === by.stack && one.resource === by.resource;

/** As the validate endpoint says it, each error behind the name of its setting. */
async function requireDeclarable(herder: Herder, name: string, config: Settings): Promise<void> {
  if (config.name !== undefined && config.name !== name) {
    throw new ConnectError(
      'config.invalid',
      `name: the config says ${config.name}, and the connector is called ${name}`,
    );
  }
  const named = { ...config, name };
  const { configs } = await herder.validateConnectorConfig(config['connector.class'] ?? '', named);
  const errors = configs.flatMap(({ value }) => value.errors.map((error) => `${value.name}: ${error}`));
  if (errors.length > 0) throw new ConnectError('config.invalid', errors.join('\n'));
}

/** Notes that this resource declares the connector; answers who did before. */
async function claim(deps: DeclarationDeps, by: Declarer, wanted: DeclaredConnector): Promise<readonly Declaration[]> {
  const { name, config, adopt } = wanted;
  return change(deps, name, async (list) => {
    const other = list.find(({ stack }) => stack !== by.stack);
    if (other !== undefined) {
      throw new ConflictError(
        'connector.declared_elsewhere',
        `Connector ${name} is declared by ${other.resource} of ${other.stack}: remove it there first ` +
          '(removalPolicy RETAIN keeps the connector), or choose another name',
      );
    }
    if (list.length === 0 && !adopt && (await deps.configs.getConnector(name)) !== undefined) {
      throw new ConflictError(
        'connector.exists',
        `Connector ${name} is there already, and no stack has declared it: delete it, choose another name, or take it ` +
          'over with adopt: true',
      );
    }
    return [...list.filter((one) => !isBy(by)(one)), { ...by, config }];
  });
}

/** Answers what was there before. */
async function change(
  { declarations }: DeclarationDeps,
  name: string,
  next: (list: readonly Declaration[]) => readonly Declaration[] | Promise<readonly Declaration[]>,
): Promise<readonly Declaration[]> {
  for (;;) {
    const { list, version } = await declarations.declarations(name);
    if (await declarations.putDeclarations(name, await next(list), version)) return list;
  }
}

async function restore(
  deps: DeclarationDeps,
  by: Declarer,
  name: string,
  before: readonly Declaration[],
): Promise<void> {
  // The error that led here is the one to tell; what is left is put right by the next deployment.
  await change(deps, name, (list) => [
    ...before,
    ...list.filter((one) => !isBy(by)(one) && !before.some(isBy(one))),
  ]).catch(() => {});
}

async function bringAbout(
  { herder, configs }: DeclarationDeps,
  wanted: DeclaredConnector,
  first: boolean,
  left: Declaration | null,
): Promise<DeclarationReport> {
  const { name, initialState, initialOffsets } = wanted;
  const config = { ...wanted.config, name };
  const there = await configs.getConnector(name);
  const withOffsets = first && initialOffsets !== null;
  if (there === undefined) {
    await herder.createConnector(name, config, withOffsets ? 'STOPPED' : initialState);
    if (withOffsets) {
      try {
        await setOffsets(herder, name, initialOffsets, initialState);
      } catch (error) {
        await herder.deleteConnector(name);
        throw error;
      }
    }
    return { change: 'created', drift: first || left === null ? [] : ['name'] };
  }
  // An earlier attempt at this creation died before it had set the offsets.
  if (withOffsets && left !== null && there.targetState === 'STOPPED') {
    await setOffsets(herder, name, initialOffsets, initialState);
  }
  const drift = left === null ? [] : differences({ ...left.config, name }, there.config);
  if (differences(config, there.config).length === 0) return { change: 'none', drift };
  await herder.putConnectorConfig(name, config);
  return { change: 'changed', drift };
}

async function setOffsets(
  herder: Herder,
  name: string,
  offsets: readonly ConnectorOffset[],
  state: TargetState,
): Promise<void> {
  await herder.alterOffsets(name, offsets);
  if (state !== 'STOPPED') await herder.setTargetState(name, state);
}

function differences(one: Settings, other: Settings): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((key) => one[key] !== other[key]).sort();
}

const lookEveryMs = 500;
/** A deletion is durable when it is asked for; so long its clearing up is waited for, which the next stack may need. */
const clearingMs = 45_000;

async function resetOffsets(deps: DeclarationDeps, name: string, deadlineAt: number): Promise<void> {
  await deps.herder.setTargetState(name, 'STOPPED');
  const stopped = await isTrue(deps.clock, deadlineAt, async () => {
    const found = await deps.configs.getConnectorAndTasks(name);
    return found === undefined || found.tasks.length === 0;
  });
  if (!stopped) {
    throw new ConnectError(
      'connector.not_stopped',
      `Connector ${name} was to be deleted with its offsets, and its tasks have not stopped yet: try again`,
    );
  }
  await deps.herder.resetOffsets(name);
}

async function deleteConnector({ herder, configs, clock }: DeclarationDeps, name: string, deadlineAt: number) {
  if ((await configs.getConnector(name)) !== undefined) await herder.deleteConnector(name);
  const until = Math.min(deadlineAt, clock.now() + clearingMs);
  await isTrue(clock, until, async () => (await configs.getConnector(name, { evenDeleting: true })) === undefined);
}

/** False: it was not by then. */
async function isTrue(clock: Clock, until: number, look: () => Promise<boolean>): Promise<boolean> {
  while (!(await look())) {
    if (clock.now() + lookEveryMs > until) return false;
    await clock.sleep(lookEveryMs);
  }
  return true;
}
