import { readFileSync } from 'node:fs';
import userPlugins from '#plugins';
import type { Settings } from '../src/config/config-def.ts';
import { lambdaCall } from '../src/invocation/lambda-call.ts';
import { type AskJava, describedPlugins } from '../src/java-host/described-plugins.ts';
import { parseJavaManifest } from '../src/java-host/manifest.ts';
import { needsJava } from '../src/java-host/needs-java.ts';
import { answerIn } from '../src/java-host/plugin-question.ts';
import { requirePlugins } from '../src/plugins/plugin-list.ts';
import { createRegistry } from './builtin-plugins.ts';
import { environment } from './function-context.ts';

/** `#java` of the functions without a JVM: the Java plugins as their manifest describes them. */
export const javaPlugins = describedPlugins(readManifest(), askFunction());

function readManifest() {
  const file = environment['drover.java.manifest'];
  if (file === null) throw new Error('drover.java.manifest is missing: it names the manifest of the Java plugins');
  return parseJavaManifest(readFileSync(file, 'utf8'));
}

/** Null where nobody asks: only REST and the coordinator know the name. */
function askFunction(): AskJava | null {
  const name = environment['drover.java.function'];
  if (name === null) return null;
  const call = lambdaCall(name);
  return async (question) => answerIn(await call(question), question.class);
}

export const runsOnJava = (config: Settings): boolean => {
  registry ??= createRegistry([...requirePlugins(userPlugins), ...javaPlugins]);
  return needsJava(registry, { ...environment.converterDefaults, ...config });
};

let registry: ReturnType<typeof createRegistry> | null = null;
