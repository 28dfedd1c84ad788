import type { TargetState } from '../herder/herder.ts';
import { javaTrim } from '../java/text.ts';
import {
  connectorInfoEntity,
  connectorStatusEntity,
  offsetsEntity,
  taskInfoEntity,
  taskStatusEntity,
} from './entities.ts';
import { nextPage, readPage } from './pages.ts';
import { badRequest, readConfig, readObject, readOffsets, readText } from './read-body.ts';
import type { Answer, Call } from './route.ts';

const nameOf = (call: Call) => call.params.connector!;
const taskOf = (call: Call) => Number(call.params.task);

/** As Java builds it: what a path may hold stays as it stands, slashes and the escapes of a name included. */
function locationOf(name: string): string {
  const segment = encodeURIComponent(name)
    .replace(/%(?:24|26|2B|2C|2F|3A|3B|3D|40)/g, decodeURIComponent)
    .replace(/%25(?=[0-9A-Fa-f]{2})/g, '%');
  return `/connectors/${segment.replace(/^\//, '')}`;
}

/** `expand` is case-sensitive; with only values that are not known nothing is told of each connector. */
export async function listConnectors({ herder, query }: Call): Promise<Answer> {
  const expand = query.all('expand');
  const page = readPage(query);
  const known = expand.filter((value) => value === 'status' || value === 'info');
  if (known.length === 0) {
    const { names, next } = await herder.connectorNames(page);
    return {
      body: expand.length === 0 ? names : new Map(names.map((name) => [name, {}])),
      next: nextPage(next),
    };
  }
  const details = await herder.connectorDetails(page);
  const entries = details.values.map(({ info, status }): [string, unknown] => [
    info.name,
    {
      ...(known.includes('status') ? { status: connectorStatusEntity(status) } : {}),
      ...(known.includes('info') ? { info: connectorInfoEntity(info) } : {}),
    },
  ]);
  return { body: new Map(entries), next: nextPage(details.next) };
}

const initialStates: Readonly<Record<string, TargetState>> = {
  RUNNING: 'STARTED',
  PAUSED: 'PAUSED',
  STOPPED: 'STOPPED',
};

/** Null: RUNNING. */
export function initialTargetState(text: string | null): TargetState {
  const state = text?.toUpperCase() ?? 'RUNNING';
  const targetState = Object.hasOwn(initialStates, state) ? initialStates[state] : undefined;
  if (targetState !== undefined) return targetState;
  throw badRequest(`The initial_state must be one of ${Object.keys(initialStates).join(', ')}, not ${state}`);
}

/** KIP-980: `initial_state` ignores case. Blanks around the outer name are cut off, those in the config are not. */
export async function createConnector(call: Call): Promise<Answer> {
  const request = readObject(call.body(), 'request body', ['name', 'config', 'initial_state']);
  const name = javaTrim(readText(request.get('name'), 'name') ?? '');
  const config = readConfig(request.get('config'));
  const targetState = initialTargetState(readText(request.get('initial_state'), 'initial_state'));
  const info = await call.herder.createConnector(name, config, targetState);
  return { body: connectorInfoEntity(info), location: locationOf(name) };
}

export async function getConnector(call: Call): Promise<Answer> {
  return { body: connectorInfoEntity(await call.herder.connectorInfo(nameOf(call))) };
}

export async function getConnectorConfig(call: Call): Promise<Answer> {
  return { body: await call.herder.connectorConfig(nameOf(call)) };
}

export async function putConnectorConfig(call: Call): Promise<Answer> {
  const name = nameOf(call);
  const { created, info } = await call.herder.putConnectorConfig(name, readConfig(call.body()));
  const body = connectorInfoEntity(info);
  return created ? { status: 201, body, location: locationOf(name) } : { body };
}

export async function patchConnectorConfig(call: Call): Promise<Answer> {
  const info = await call.herder.patchConnectorConfig(nameOf(call), readConfig(call.body()));
  return { body: connectorInfoEntity(info) };
}

export async function deleteConnector(call: Call): Promise<Answer> {
  await call.herder.deleteConnector(nameOf(call));
  return {};
}

export async function getConnectorStatus(call: Call): Promise<Answer> {
  return { body: connectorStatusEntity(await call.herder.connectorStatus(nameOf(call))) };
}

const targetStateSetter = (targetState: TargetState) => async (call: Call) => {
  await call.herder.setTargetState(nameOf(call), targetState);
  return {};
};

export const pauseConnector = targetStateSetter('PAUSED');
export const resumeConnector = targetStateSetter('STARTED');
export const stopConnector = targetStateSetter('STOPPED');

export async function restartConnector(call: Call): Promise<Answer> {
  const status = await call.herder.restartConnector(nameOf(call), {
    includeTasks: call.query.flag('includeTasks', false),
    onlyFailed: call.query.flag('onlyFailed', false),
  });
  return status === null ? {} : { status: 202, body: connectorStatusEntity(status) };
}

export async function listTasks(call: Call): Promise<Answer> {
  return { body: (await call.herder.tasks(nameOf(call))).map(taskInfoEntity) };
}

export async function getTaskStatus(call: Call): Promise<Answer> {
  return { body: taskStatusEntity(await call.herder.taskStatus(nameOf(call), taskOf(call))) };
}

export async function restartTask(call: Call): Promise<Answer> {
  await call.herder.restartTask(nameOf(call), taskOf(call));
  return {};
}

export async function getTopics(call: Call): Promise<Answer> {
  const name = nameOf(call);
  return { body: new Map([[name, { topics: await call.herder.activeTopics(name) }]]) };
}

export async function resetTopics(call: Call): Promise<Answer> {
  await call.herder.resetActiveTopics(nameOf(call));
  return {};
}

export async function getOffsets(call: Call): Promise<Answer> {
  return { body: offsetsEntity(await call.herder.offsets(nameOf(call))) };
}

export async function alterOffsets(call: Call): Promise<Answer> {
  return { body: { message: await call.herder.alterOffsets(nameOf(call), readOffsets(call.body())) } };
}

export async function resetOffsets(call: Call): Promise<Answer> {
  return { body: { message: await call.herder.resetOffsets(nameOf(call)) } };
}

/** What Kafka Connect's workers ask each other: Drover has no such workers, so that nobody can have signed it. */
export async function refuseUnsigned(): Promise<Answer> {
  throw badRequest('Internal request missing required signature');
}
