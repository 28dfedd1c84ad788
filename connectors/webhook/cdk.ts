import { Stack, Token } from 'aws-cdk-lib';
import {
  type CfnStage,
  HttpApi,
  HttpMethod,
  type IDomainName,
  PayloadFormatVersion,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '../../cdk/acknowledged.ts';
import { type AttachedConnector, attachConnector } from '../../cdk/connector.ts';
import type { Drover } from '../../cdk/drover.ts';
import { createFeedQueue, type FeedQueue, type FeedQueueTuning } from '../../cdk/feed-queue.ts';
import { bufferUrlVariable, feedKeyOf, ownBuffersVariable } from './buffer.ts';

/** What WebhookSource needs of AWS: a door of its own to the internet, and a queue where requests may wait. */

export interface WebhooksProps {
  /** Requests a second that pass, and how many at once; the others are answered 429. @default 500 and 1000 */
  readonly throttle?: { readonly rate?: number; readonly burst?: number };
  /**
   * Makes the queue of connectors with `http.response.mode=buffered`. Functions in a VPC need a way to SQS then: an interface
   * endpoint, or NAT.
   * @default false
   */
  readonly buffer?: boolean | FeedQueueTuning;
  /**
   * Connectors with `http.response.mode=buffered` whose requests wait in a queue of their own, made as `buffer` says. It is held
   * while its connector is paused, stopped or FAILED; in the queue that the others share, what is for such a one is put behind the
   * others again, up to 15 minutes later each time.
   * @default - none
   */
  readonly ownBuffers?: readonly string[];
  /** A domain of your own, and the path in it. @default - that of API Gateway */
  readonly domain?: { readonly name: IDomainName; readonly path?: string };
  /** @default RetentionDays.ONE_MONTH */
  readonly logRetention?: RetentionDays;
  /**
   * Connectors of class WebhookSource, declared with it, each under its name.
   * @default - none, or created by other means
   */
  readonly connectors?: readonly AttachedConnector<'WebhookSource'>[];
}

export interface Webhooks {
  /** Not that of the management API, which stays closed. */
  readonly api: HttpApi;
  /** `POST <url>/<connector>`. */
  readonly url: string;
  /** Requests that are on their way; with `buffer`. */
  readonly buffer: Queue | undefined;
  /** The same of `ownBuffers`, by connector. */
  readonly ownBuffers: Readonly<Record<string, FeedQueue>>;
  /** What could not be delivered for two days: look, mend, and move it back. */
  readonly bufferFailures: Queue | undefined;
}

/**
 * An HTTP API that brings requests to the connectors of class WebhookSource, each under its name: `POST /hooks/{connector}`.
 * One for an installation.
 */
export function webhooks(drover: Drover, props: WebhooksProps = {}): Webhooks {
  const scope = new Construct(drover, 'Webhooks');
  const { feeds } = drover;
  const api = new HttpApi(scope, 'Api', {
    description: 'Webhooks of Drover',
    ...(props.domain === undefined
      ? {}
      : {
          defaultDomainMapping: {
            domainName: props.domain.name,
            ...(props.domain.path === undefined ? {} : { mappingKey: props.domain.path }),
          },
        }),
  });
  const integration = new HttpLambdaIntegration('Feed', feeds.function, {
    payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
  });
  // Each method: the connector says which it takes.
  const [route] = api.addRoutes({ path: '/hooks/{connector}', methods: [HttpMethod.ANY], integration });
  acknowledge(
    route!,
    'AwsSolutions-APIG4',
    'Who may send is asked by each connector: a signature of the body cannot be checked here',
  );
  limit(scope, api, props);
  const { buffer: wanted = false } = props;
  const tuning = typeof wanted === 'boolean' ? {} : wanted;
  const buffer = wanted === false ? undefined : bufferFor(scope, drover, tuning);
  const ownBuffers = ownBuffersFor(scope, drover, props.ownBuffers ?? [], tuning);
  if (buffer === undefined) feeds.declare({ key: 'hook:*' });
  for (const connector of props.connectors ?? []) attachConnector(drover, 'WebhookSource', {}, connector);
  const base =
    props.domain === undefined
      ? api.apiEndpoint
      : `https://${props.domain.name.name}${props.domain.path === undefined ? '' : `/${props.domain.path}`}`;
  return { api, url: `${base}/hooks`, buffer: buffer?.queue, bufferFailures: buffer?.failures, ownBuffers };
}

function limit(scope: Construct, api: HttpApi, { throttle = {}, logRetention }: WebhooksProps): void {
  const { rate = 500, burst = 1000 } = throttle;
  for (const [prop, value] of Object.entries({ rate, burst })) {
    if (!Token.isUnresolved(value) && (!Number.isInteger(value) || value < 1)) {
      throw new Error(`throttle.${prop} is ${value}: it must be a whole number from 1`);
    }
  }
  const log = new LogGroup(scope, 'Log', { retention: logRetention ?? RetentionDays.ONE_MONTH });
  // The level-two construct has neither an access log nor a throttle for the stage that it makes itself.
  const stage = api.defaultStage?.node.defaultChild as CfnStage;
  stage.accessLogSettings = {
    destinationArn: log.logGroupArn,
    format: JSON.stringify({
      requestId: '$context.requestId',
      ip: '$context.identity.sourceIp',
      time: '$context.requestTime',
      method: '$context.httpMethod',
      path: '$context.path',
      status: '$context.status',
      bytes: '$context.responseLength',
      latencyMs: '$context.responseLatency',
      error: '$context.error.message',
    }),
  };
  stage.defaultRouteSettings = { throttlingRateLimit: rate, throttlingBurstLimit: burst };
}

function bufferFor(scope: Construct, drover: Drover, tuning: FeedQueueTuning): FeedQueue {
  const made = createFeedQueue(drover, scope, 'Buffer', { ...tuning, key: 'hook:*', shared: true });
  made.queue.grantSendMessages(drover.feeds.function);
  // The task function sees once that a connector may start.
  for (const fn of [drover.feeds.function, drover.taskFunction])
    fn.addEnvironment(bufferUrlVariable, made.queue.queueUrl);
  return made;
}

/** Their URLs have to fit into the environment of the feed function, beside the event sources. */
const mostOwnBuffers = 8;

function ownBuffersFor(
  scope: Construct,
  drover: Drover,
  connectors: readonly string[],
  tuning: FeedQueueTuning,
): Readonly<Record<string, FeedQueue>> {
  if (connectors.length > mostOwnBuffers) {
    throw new Error(
      `ownBuffers names ${connectors.length} connectors: ${mostOwnBuffers} at most; let the others share \`buffer\``,
    );
  }
  const made: Record<string, FeedQueue> = {};
  for (const connector of connectors) {
    if (Object.hasOwn(made, connector)) throw new Error(`ownBuffers names ${connector} twice`);
    made[connector] = createFeedQueue(drover, scope, `Buffer-${connector.replaceAll('/', '-')}`, {
      ...tuning,
      key: feedKeyOf(connector),
    });
    made[connector].queue.grantSendMessages(drover.feeds.function);
  }
  if (connectors.length === 0) return made;
  const urls = Object.fromEntries(
    Object.entries(made).map(([connector, { queue }]) => [feedKeyOf(connector), queue.queueUrl]),
  );
  for (const fn of [drover.feeds.function, drover.taskFunction]) {
    fn.addEnvironment(ownBuffersVariable, Stack.of(scope).toJsonString(urls));
  }
  return made;
}
