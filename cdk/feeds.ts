import { Lazy, Stack, Token } from 'aws-cdk-lib';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { writeEnvironment } from '../src/environment.ts';

/** An event source that brings records to a connector, by whose config it is named. */
export interface FeedDeclaration {
  /** As the connector's `feedKey` answers it; a `*` at the end stands for any ending. */
  readonly key: string;
  /** ARN that its events carry. @default - the key */
  readonly source?: string;
  /** What brings its events, to be held while no connector takes them. @default - nothing that could be held */
  readonly mapping?: { readonly eventSourceMappingId: string; readonly eventSourceMappingArn: string };
}

/** The functions that must know of feeds, and where what feeds need is made. */
export type FeedScope = Construct & {
  readonly coordinatorFunction: LambdaFunction;
  readonly restFunction: LambdaFunction;
  readonly taskFunction: LambdaFunction;
};

/** Of the 4 KB of a function's environment; the rest is for the settings. */
const feedsBytes = 3200;
const arnBytes = 75;
/** `,"mapping":"` and a UUID. */
const mappingBytes = 49;
/** `{"key":""},` */
const framingBytes = 11;

const textBytes = (text: string) => (Token.isUnresolved(text) ? arnBytes : Buffer.byteLength(text));

/**
 * The feeds of an installation: a function of their own, made with the first of them, so that a burst of events does not
 * take the place of tasks; and what every function must know of them.
 */
export class Feeds {
  readonly #drover: FeedScope;
  readonly #create: () => LambdaFunction;
  readonly #declared: FeedDeclaration[] = [];
  #function: LambdaFunction | undefined;

  constructor(drover: FeedScope, create: () => LambdaFunction) {
    this.#drover = drover;
    this.#create = create;
  }

  /** The function, where something is a feed. */
  get made(): LambdaFunction | undefined {
    return this.#function;
  }

  /** Takes the events: the target of what brings them. */
  get function(): LambdaFunction {
    this.#function ??= this.#begin();
    return this.#function;
  }

  /** Lets a function check configs that name feeds. */
  tell(to: LambdaFunction): void {
    this.#tell(to, ({ key }) => ({ key }));
  }

  /** Makes the event source known by which connectors are fed. Throws for one that is declared already. */
  declare(feed: FeedDeclaration): void {
    if (this.#declared.some(({ key }) => key === feed.key)) {
      throw new Error(`The event source ${feed.key} is declared twice: it feeds one connector, whose config names it`);
    }
    this.#declared.push(feed);
  }

  /** Of what the coordinator is told, which is the most; an ARN is known at deployment only. */
  #tooLong(): string[] {
    const bytes = this.#declared.reduce(
      (sum, { key, mapping }) => sum + textBytes(key) + (mapping === undefined ? 0 : mappingBytes) + framingBytes,
      0,
    );
    if (bytes <= feedsBytes) return [];
    return [
      `${this.#declared.length} event sources are declared: with about ${bytes} bytes they do not fit into the functions' environment, ` +
        `which has room for ${feedsBytes} (some ${Math.floor(feedsBytes / (arnBytes + mappingBytes + framingBytes))} ARNs): ` +
        'deploy a second installation for the rest',
    ];
  }

  #begin(): LambdaFunction {
    const { coordinatorFunction, restFunction, taskFunction } = this.#drover;
    this.#drover.node.addValidation({ validate: () => this.#tooLong() });
    const fn = this.#create();
    // Each is told what it needs: all variables of a function together may take 4 KB.
    for (const to of [restFunction, taskFunction]) this.tell(to);
    this.#tell(fn, ({ key, source }) => ({ key, ...(source === undefined ? {} : { source }) }));
    this.#tell(coordinatorFunction, ({ key, mapping }) => ({
      key,
      ...(mapping === undefined ? {} : { mapping: mapping.eventSourceMappingId }),
    }));
    // A policy of its own: the coordinator need not wait for what brings events.
    new Policy(this.#drover, 'FeedSwitchPolicy', {
      roles: [coordinatorFunction.role!],
      statements: [
        new PolicyStatement({
          actions: ['lambda:GetEventSourceMapping', 'lambda:UpdateEventSourceMapping'],
          resources: Lazy.list({
            produce: () =>
              this.#declared.flatMap(({ mapping }) => (mapping === undefined ? [] : [mapping.eventSourceMappingArn])),
          }),
        }),
      ],
    });
    return fn;
  }

  #tell(to: LambdaFunction, part: (feed: FeedDeclaration) => object): void {
    const value = Lazy.string({ produce: () => Stack.of(to).toJsonString(this.#declared.map(part)) });
    for (const [name, text] of Object.entries(writeEnvironment({ 'drover.feeds': value })))
      to.addEnvironment(name, text);
  }
}
