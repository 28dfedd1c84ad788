import { connectorReportEntity, mirrorReportEntity, offsetChangeEntity } from './entities.ts';
import type { Answer, Call } from './route.ts';

/** What Drover adds to Kafka Connect's API, on paths of its own. */

const nameOf = (call: Call) => call.params.connector!;

/** The installation: what the mirror topics hold is at least as new as `changed_at`. */
export async function getInstallation({ herder }: Call): Promise<Answer> {
  const mirror = await herder.mirrorReport();
  return { body: { mirror: mirror === null ? null : mirrorReportEntity(mirror) } };
}

export async function getConnectorReport(call: Call): Promise<Answer> {
  return { body: connectorReportEntity(await call.herder.connectorReport(nameOf(call))) };
}

export async function getOffsetHistory(call: Call): Promise<Answer> {
  return { body: { changes: (await call.herder.offsetHistory(nameOf(call))).map(offsetChangeEntity) } };
}

export async function undoOffsetChange(call: Call): Promise<Answer> {
  return { body: { message: await call.herder.undoOffsetChange(nameOf(call)) } };
}
