import { homeFolder } from './folders.ts';
import { javaPluginFolders } from './java-plugins.ts';
import { consoleVariable, portVariables, type StackOptions, type StackPorts } from './stack.ts';

type Variables = Readonly<Record<string, string | undefined>>;

const defaultPorts: StackPorts = { kafka: 9092, kafkaController: 9093, aws: 4566, rest: 8083 };

/**
 * Where `npm start` puts things; every port and folder can be moved, so that two checkouts run side by side. Throws an
 * error that names the variable at fault.
 */
export function localSettings(variables: Variables = process.env): Omit<StackOptions, 'step'> {
  const ports = { ...defaultPorts };
  for (const name of Object.keys(ports) as (keyof StackPorts)[]) {
    ports[name] = port(portVariables[name].variable, variables, defaultPorts[name]);
  }
  refuseSharedPorts(ports);
  const console = port(consoleVariable, variables, 0) || null;
  const same = (Object.keys(ports) as (keyof StackPorts)[]).find((name) => ports[name] === console);
  if (same !== undefined) {
    const { what, variable } = portVariables[same];
    throw new Error(
      `${what} and the console would both use port ${console}: give each its own with ${variable} and ${consoleVariable}`,
    );
  }
  return {
    home: homeFolder,
    region: region(variables),
    ports,
    console: { port: console },
    javaPlugins: javaPluginFolders(variables),
    runner: runner(variables),
  };
}

/** Whether a runner is wanted. */
function runner(variables: Variables): boolean {
  const variable = 'DROVER_RUNNER';
  const text = variables[variable]?.trim() ?? '';
  if (text === 'yes' || text === 'no' || text === '') return text === 'yes';
  throw new Error(`${variable} is "${text}": it must be yes or no`);
}

function port(variable: string, variables: Variables, fallback: number): number {
  const text = variables[variable]?.trim() ?? '';
  if (text === '') return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 65_535) {
    throw new Error(`${variable} is "${text}": it must be a port, 1 to 65535`);
  }
  return value;
}

function refuseSharedPorts(ports: StackPorts): void {
  const names = Object.keys(ports) as (keyof StackPorts)[];
  for (const [index, name] of names.entries()) {
    const same = names.slice(0, index).find((other) => ports[other] === ports[name]);
    if (same === undefined) continue;
    const [one, other] = [portVariables[same], portVariables[name]];
    throw new Error(
      `${one.what} and ${other.what} would both use port ${ports[name]}: give each its own with ${one.variable} and ${other.variable}`,
    );
  }
}

function region(variables: Variables): string {
  const variable = 'DROVER_REGION';
  const text = variables[variable]?.trim() || 'us-east-1';
  if (/^[a-z]{2,4}(-[a-z]+)+-\d+$/.test(text)) return text;
  throw new Error(`${variable} is "${text}": it must be a region of AWS, such as us-east-1`);
}
