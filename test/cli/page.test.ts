import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { exitCodes } from '../../cli/faults.ts';
import { sendHttp } from '../../cli/http.ts';
import type { Io } from '../../cli/io.ts';
import { createProgram } from '../../cli/program.ts';
import { helpPage } from './help-page.ts';
import { type } from './terminal.ts';

const io = { out: () => {}, err: () => {}, now: Date.now, env: {}, cwd: '/', colours: false } as unknown as Io;
const program = createProgram({ io, http: sendHttp });
const all = (command: Command): Command[] => command.commands.flatMap((one) => [one, ...all(one)]);

test('the page says what the help says (vitest -u writes it anew)', async () => {
  await expect(helpPage(program)).toMatchFileSnapshot('../../docs/cli.md');
});

test('every command says what it is for, and every option', () => {
  const commands = all(program).filter((command) => command.name() !== '__complete');
  expect(commands.length).toBeGreaterThan(20);
  for (const command of commands) {
    expect(command.summary(), command.name()).not.toBe('');
    for (const option of command.options) expect(option.description, `${command.name()} ${option.flags}`).not.toBe('');
  }
});

test('the help, the page and the code have the same exit codes', async () => {
  const { out, code } = await type(['--help']);
  expect(code).toBe(0);
  const page = helpPage(program);
  for (const exitCode of Object.values(exitCodes)) {
    expect(out).toMatch(new RegExp(`(?:[:;] |\\n)${exitCode} `));
    expect(page).toContain(`\n| ${exitCode} | `);
  }
});

test('without a command the help is printed, as an error', async () => {
  expect(await type([])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('Usage: drover') });
  expect((await type(['help', 'apply'])).out).toContain('--prune');
  expect((await type(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});
