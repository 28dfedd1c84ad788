import { ConnectError, traceOf } from '../src/errors.ts';
import {
  type DeclarationDeps,
  type DeclaredConnector,
  declareConnector,
  type OnRemoval,
  withdrawConnector,
} from '../src/herder/declared-connectors.ts';
import type { ResourceAnswer, ResourceRequest } from '../src/invocation/custom-resource.ts';
import { initialTargetState } from '../src/rest/connectors.ts';
import { mapError } from '../src/rest/error-mapper.ts';
import { parseJson } from '../src/rest/json-body.ts';
import { badRequest, readOffsets } from '../src/rest/read-body.ts';
import type { Telemetry } from '../src/telemetry/telemetry.ts';

export interface ConnectorResourceDeps extends DeclarationDeps {
  readonly telemetry: Telemetry;
}

/** Left for the answer, when the time is over; and before that, for whoever waits to say what for. */
const answeringMs = 10_000;
const sayingMs = 5_000;

/**
 * Connectors as CloudFormation asks for them: what the REST API would do, by the same verbs and with the same words. The
 * physical id is the connector's name, so that another name is another connector, made before the old one is removed.
 * Never rejects.
 */
export async function handleConnectorResource(
  deps: ConnectorResourceDeps,
  request: ResourceRequest,
  deadlineAt: number,
): Promise<ResourceAnswer> {
  const endAt = deadlineAt - answeringMs;
  const done = new AbortController();
  const late = deps.clock.sleep(Math.max(0, endAt - deps.clock.now()), done.signal).then(
    () => {
      throw new ConnectError(
        'resource.timeout',
        'It was not done in time: deploy again, which takes up what was begun',
      );
    },
    () => ({}),
  );
  const work = request.kind === 'delete' ? withdraw(deps, request, endAt - sayingMs) : declare(deps, request);
  // What becomes of it after the answer is told to nobody.
  work.catch(() => {});
  try {
    return { physicalId: succeededId(request), failure: null, data: await Promise.race([work, late]) };
  } catch (error) {
    return refuseConnectorResource(deps.telemetry, request, error);
  } finally {
    done.abort();
  }
}

/** Also for a function that cannot start: CloudFormation waits for an answer for an hour. */
export function refuseConnectorResource(
  telemetry: Telemetry,
  request: ResourceRequest,
  error: unknown,
): ResourceAnswer {
  const { stack, resource, physicalId } = request;
  const connector = succeededId(request);
  telemetry.emit('connector.not-declared', { connector, stack, resource, error: String(error), trace: traceOf(error) });
  const failure = error instanceof ConnectError ? error.message : mapError(error).answer.message;
  return { physicalId: physicalId ?? connector, failure, data: {} };
}

/** What the resource is called when all goes well; while it fails to be renamed, it keeps the name that it had. */
function succeededId({ kind, physicalId, properties, resource }: ResourceRequest): string {
  if (kind === 'delete' && physicalId !== null) return physicalId;
  const { Name: name } = properties;
  return typeof name === 'string' && name !== '' ? name : (physicalId ?? resource);
}

async function declare(deps: ConnectorResourceDeps, request: ResourceRequest): Promise<Record<string, string>> {
  const { kind, physicalId, stack, resource } = request;
  const wanted = readDeclared(request);
  const { name } = wanted;
  // CloudFormation knows it as its own, whatever the table says: one that was restored may say less.
  const adopt = wanted.adopt || physicalId === name;
  const first = kind === 'create' || physicalId !== name;
  const { change, drift } = await declareConnector(deps, { stack, resource }, { ...wanted, adopt }, first);
  deps.telemetry.emit('connector.declared', { connector: name, stack, resource, change, drift: drift.join(', ') });
  return { Change: change, Drift: drift.join(', ') };
}

async function withdraw(
  deps: ConnectorResourceDeps,
  request: ResourceRequest,
  endAt: number,
): Promise<Record<string, string>> {
  const { physicalId, stack, resource, properties } = request;
  const by = { stack, resource };
  const onRemoval = readOnRemoval(request);
  let name = physicalId ?? '';
  let outcome = await withdrawConnector(deps, by, name, onRemoval, endAt);
  // A creation that could not be answered leaves CloudFormation with an id of its own making.
  const declared = properties.Name;
  if (outcome === 'not-declared' && typeof declared === 'string' && declared !== name) {
    name = declared;
    outcome = await withdrawConnector(deps, by, name, onRemoval, endAt);
  }
  deps.telemetry.emit('connector.withdrawn', { connector: name, stack, resource, outcome });
  return {};
}

/** As `cdk/connector.ts` writes it; CloudFormation makes text of every value. */
function readDeclared({ properties }: ResourceRequest): DeclaredConnector {
  const { Name: name, Config: config, InitialState: state, InitialOffsets: offsets, Adopt: adopt } = properties;
  if (typeof name !== 'string' || name === '') throw badRequest('The property Name is missing');
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw badRequest('The property Config must be an object of texts');
  }
  return {
    name,
    config: Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key, requireText(value, `Config.${key}`)]),
    ),
    initialState: initialTargetState(state === undefined ? null : requireText(state, 'InitialState')),
    initialOffsets:
      offsets === undefined ? null : readOffsets(parseJson(`{"offsets":${requireText(offsets, 'InitialOffsets')}}`)),
    adopt: adopt === 'true',
  };
}

function requireText(value: unknown, property: string): string {
  if (typeof value !== 'string') throw badRequest(`The property ${property} must be a text`);
  return value;
}

const removals: readonly OnRemoval[] = ['keep', 'delete', 'delete-with-offsets'];

/** What cannot be read keeps the connector: its resource must go all the same. */
function readOnRemoval({ properties }: ResourceRequest): OnRemoval {
  return removals.find((one) => one === properties.OnRemoval) ?? 'keep';
}
