import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type AwsSettings, resolveAws } from './aws.ts';
import { CliError, exitCodes, messageOf, usageError } from './faults.ts';
import { type Send, sendHttp } from './http.ts';
import type { Io } from './io.ts';
import { isRecord } from './json.ts';
import { createSigner } from './sign.ts';
import { type LogSource, type StackResources, stackOfApi, stackResources } from './stack-resources.ts';

export const authKinds = ['iam', 'none', 'token'] as const;
export type AuthKind = (typeof authKinds)[number];

/** How the installation is named: options of every command. */
export interface InstallationOptions {
  readonly url?: string;
  readonly stack?: string;
  readonly region?: string;
  readonly profile?: string;
  readonly auth?: AuthKind;
}

/** A Drover that is there, and how it is asked. */
export interface Installation {
  /** Without a slash at its end. */
  readonly restUrl: string;
  /** Signs, or adds the token, where the installation asks for it. */
  readonly send: Send;
  readonly auth: AuthKind;
  readonly aws: AwsSettings;
  /** Of the broker, where this machine reaches it. */
  readonly bootstrapServers: string | null;
  /** Functions, alarms, queues: looked up when they are asked for. Throws when nobody knows. */
  resources(): Promise<StackResources>;
}

/** `--url`, `--stack`, DROVER_URL, DROVER_STACK, and then the local stack of this folder or one above it. */
export async function findInstallation(
  options: InstallationOptions,
  io: Io,
  http: Send = sendHttp,
): Promise<Installation> {
  // A variable of the caller's that is not set must not mean another installation than was meant.
  for (const option of ['url', 'stack'] as const) {
    if (options[option] === '')
      throw usageError(`--${option} is empty: name the installation, or leave the option out`);
  }
  const named = options.url !== undefined || options.stack !== undefined;
  const url = options.url ?? (named ? undefined : io.env.DROVER_URL);
  const stack = options.stack ?? (options.url === undefined ? io.env.DROVER_STACK : undefined);
  if (url !== undefined && url !== '') return await ofUrl(checkedUrl(url), stack, options, io, http);
  if (stack !== undefined && stack !== '') return await ofStack(stack, options, io, http);
  const file = localStackFile(io);
  if (file !== null) return ofLocalStack(file, options, io, http);
  throw usageError(
    'Which installation? Name it with --url URL or --stack NAME (or DROVER_URL, DROVER_STACK), ' +
      'or call it in the folder of a local stack that is up (npm start)',
  );
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw usageError(
      `--url is "${text}": it must be an address such as https://a1b2c3.execute-api.eu-west-1.amazonaws.com`,
    );
  }
  return url;
}

/** API id and region of an address that AWS has given. */
export function apiOf(url: URL): { readonly id: string; readonly region: string } | null {
  const match = /^([a-z0-9]+)\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(url.hostname);
  return match === null ? null : { id: match[1]!, region: match[2]! };
}

async function ofUrl(
  url: URL,
  stack: string | undefined,
  options: InstallationOptions,
  io: Io,
  http: Send,
): Promise<Installation> {
  const api = apiOf(url);
  const aws: AwsSettings = settingsOf(options, api?.region);
  // Another name for the same API: whoever has given it one says how it lets in.
  const auth = options.auth ?? authOf(io) ?? (api === null ? 'none' : 'iam');
  const { region } = await lazyAws(aws);
  return {
    restUrl: baseOf(url),
    send: await sender(auth, aws, io, http),
    auth,
    aws,
    bootstrapServers: null,
    resources: once(async () => {
      const name = stack ?? (api === null ? null : await stackOfApi(api.id, aws));
      if (name === null) {
        throw new CliError(
          `Nobody says which stack ${url.origin} belongs to: name it as well, with --stack NAME`,
          exitCodes.usage,
        );
      }
      return await stackResources(name, aws, region);
    }),
  };
}

async function ofStack(stack: string, options: InstallationOptions, io: Io, http: Send): Promise<Installation> {
  const aws = settingsOf(options, undefined);
  const { region } = await lazyAws(aws);
  const resources = await stackResources(stack, aws, region);
  if (resources.restUrl === null) {
    throw new CliError(
      `The stack ${stack} has no Drover in it: neither an output RestUrl nor its API`,
      exitCodes.missing,
    );
  }
  const auth = options.auth ?? authOf(io) ?? 'iam';
  return {
    restUrl: baseOf(new URL(resources.restUrl)),
    send: await sender(auth, aws, io, http),
    auth,
    aws,
    bootstrapServers: null,
    resources: async () => resources,
  };
}

function localStackFile({ env, cwd }: Io): string | null {
  if (env.DROVER_HOME) {
    const file = resolve(cwd, env.DROVER_HOME, 'stack.json');
    if (existsSync(file)) return file;
  }
  for (let folder = cwd; ; folder = dirname(folder)) {
    const file = join(folder, '.local', 'stack.json');
    if (existsSync(file)) return file;
    if (dirname(folder) === folder) return null;
  }
}

async function ofLocalStack(file: string, options: InstallationOptions, io: Io, http: Send): Promise<Installation> {
  const stack = readLocalStack(file);
  const aws: AwsSettings = {
    region: options.region ?? stack.region,
    endpoint: stack.awsEndpoint,
    // The emulator takes any, and no others shall go there.
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const auth = options.auth ?? 'none';
  return {
    restUrl: baseOf(new URL(stack.restUrl)),
    send: await sender(auth, aws, io, http),
    auth,
    aws,
    bootstrapServers: stack.bootstrapServers,
    resources: async () => ({
      functions: stack.functions,
      runnerLog: runnerLogOf(stack),
      failureQueues: [stack.failuresQueueUrl],
      alarms: [],
      restUrl: stack.restUrl,
    }),
  };
}

interface LocalStackFile {
  readonly restUrl: string;
  readonly awsEndpoint: string;
  readonly region: string;
  readonly bootstrapServers: string;
  readonly functions: StackResources['functions'];
  readonly failuresQueueUrl: string;
  readonly services?: readonly { readonly name: string; readonly logFile: string }[];
}

function runnerLogOf({ services = [] }: LocalStackFile): LogSource | null {
  const runner = services.find(({ name }) => name === 'Runner');
  return runner === undefined ? null : { file: runner.logFile };
}

function readLocalStack(file: string): LocalStackFile {
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw usageError(
      `${file} cannot be read: ${messageOf(error)}. Start the stack anew (npm start), or name another with --url`,
    );
  }
  const texts = ['restUrl', 'awsEndpoint', 'region', 'bootstrapServers', 'failuresQueueUrl'];
  const missing = isRecord(found) ? texts.find((field) => typeof found[field] !== 'string') : texts[0];
  if (missing !== undefined || !isRecord(found) || !isRecord(found.functions)) {
    throw usageError(
      `${file} has no ${missing ?? 'functions'}: start the stack anew (npm start), or name another with --url`,
    );
  }
  return found as unknown as LocalStackFile;
}

function settingsOf({ region, profile }: InstallationOptions, ofUrl: string | undefined): AwsSettings {
  const found = region ?? ofUrl;
  return { ...(found === undefined ? {} : { region: found }), ...(profile === undefined ? {} : { profile }) };
}

/** A token in the environment is meant to be used. */
const authOf = ({ env }: Io): AuthKind | undefined => ((env.DROVER_TOKEN ?? '') === '' ? undefined : 'token');

async function sender(auth: AuthKind, aws: AwsSettings, { env }: Io, http: Send): Promise<Send> {
  switch (auth) {
    case 'none':
      return http;
    case 'token': {
      const token = env.DROVER_TOKEN ?? '';
      if (token === '') throw usageError('--auth token needs the token in DROVER_TOKEN');
      return (request, signal) =>
        http({ ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } }, signal);
    }
    case 'iam': {
      const { region, credentials } = await lazyAws(aws);
      return async (request, signal) => {
        const sign = createSigner({ region: await region(), credentials });
        return await http(await sign(request), signal);
      };
    }
  }
}

/** The SDK is loaded by who asks it: it is a large part of the time that a command takes. */
async function lazyAws(aws: AwsSettings): ReturnType<typeof resolveAws> {
  const resolved = once(() => resolveAws(aws));
  return {
    region: aws.region === undefined ? async () => (await resolved()).region() : async () => aws.region!,
    credentials: async () => (await resolved()).credentials(),
  };
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null;
  return () => (answer ??= ask());
}

const baseOf = (url: URL) => `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
