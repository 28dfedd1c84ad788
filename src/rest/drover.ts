import { ConnectError } from '../errors.ts';
import {
  connectorReportEntity,
  feedReportEntity,
  instant,
  mirrorReportEntity,
  offsetChangeEntity,
} from './entities.ts';
import { nextPage, readPage } from './pages.ts';
import { readObject, readText } from './read-body.ts';
import type { Answer, Call } from './route.ts';

/** What Drover adds to Kafka Connect's API, on paths of its own. */

const nameOf = (call: Call) => call.params.connector!;

/** The installation: what the mirror topics hold is at least as new as `changed_at`; which event sources feed whom. */
export async function getInstallation({ herder }: Call): Promise<Answer> {
  const [mirror, failure, feeds] = await Promise.all([
    herder.mirrorReport(),
    herder.mirrorFailure(),
    herder.feedReports(),
  ]);
  return {
    body: {
      mirror: mirror === null ? null : mirrorReportEntity(mirror),
      mirror_failure: failure === null ? null : { failed_at: instant(failure.failedAt), error: failure.error },
      feeds: feeds.map(feedReportEntity),
    },
  };
}

export async function getConnectorReport(call: Call): Promise<Answer> {
  return { body: connectorReportEntity(await call.herder.connectorReport(nameOf(call))) };
}

/** Of all of them at once, for who watches many. */
export async function listConnectorReports({ herder, query }: Call): Promise<Answer> {
  const { values, next } = await herder.connectorReports(readPage(query));
  return { body: { connectors: values.map(connectorReportEntity) }, next: nextPage(next) };
}

/** By a parameter, which holds what no path can: Kafka Connect takes names that it cannot be asked for afterwards. */
export async function deleteNamedConnector({ herder, query }: Call): Promise<Answer> {
  const name = query.first('name') ?? '';
  if (name === '') throw new ConnectError('request.invalid', 'Which connector? ?name=NAME is missing');
  await herder.deleteConnector(name);
  return {};
}

export async function getOffsetHistory(call: Call): Promise<Answer> {
  return { body: { changes: (await call.herder.offsetHistory(nameOf(call))).map(offsetChangeEntity) } };
}

export async function undoOffsetChange(call: Call): Promise<Answer> {
  return { body: { message: await call.herder.undoOffsetChange(nameOf(call)) } };
}

export async function replayDeadLetters(call: Call): Promise<Answer> {
  const body = call.hasBody ? readObject(call.body(), 'request body', ['topic']) : null;
  const target = readText(body?.get('topic'), '"topic"');
  return { body: { message: await call.herder.replayDeadLetters(nameOf(call), target) } };
}
