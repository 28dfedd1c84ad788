import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { binFolder, projectFolder } from './folders.ts';

/**
 * What the package ships: JavaScript and types of the plugin API, the construct, and the functions with their rooms,
 * from which the construct bundles. Node reads no TypeScript below node_modules.
 */
rmSync(join(projectFolder, 'dist'), { recursive: true, force: true });
execFileSync(join(binFolder, 'tsc'), ['-p', join(projectFolder, 'tsconfig.build.json')], { stdio: 'inherit' });
