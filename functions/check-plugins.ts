import * as listed from '#plugins';
import { problemsOfPlugins } from '../src/plugins/plugin-list.ts';

/**
 * Run when an app is synthesised, out of a bundle like the functions': loads the app's module and says on standard error
 * what is wrong with its list. See cdk/bundle-process.ts.
 */
import './source-maps.ts';

const problems = problemsOfPlugins('default' in listed ? listed.default : undefined);
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exitCode = 1;
}
// What the module has left open is its own matter.
process.exit();
