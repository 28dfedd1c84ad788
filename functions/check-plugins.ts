import './source-maps.ts';
import { traceOf } from '../src/errors.ts';
import { problemsOfPlugins } from '../src/plugins/plugin-list.ts';

/**
 * Run when an app is synthesised, out of a bundle like the functions': loads the app's module and says on standard error
 * what is wrong with its list. See cdk/bundle-process.ts.
 */
const problems = await import('#plugins').then(
  (listed: { readonly default?: unknown }) => problemsOfPlugins(listed.default),
  (error: unknown) => [
    'It fails when it is loaded, which each function does when it starts:',
    traceOf(error).trimEnd(),
  ],
);
if (problems.length > 0) process.stderr.write(`${problems.join('\n')}\n`);
// What the module has left open is its own matter. 42: nothing is wrong, which a module that ends the process cannot say.
process.exit(problems.length > 0 ? 1 : 42);
