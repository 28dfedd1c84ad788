import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly what: string;
  readonly install: string;
  /** What is wrong with the version that it prints, if anything. */
  readonly complaint?: (output: string) => string | null;
}

const programs: readonly Program[] = [
  {
    command: 'java',
    args: ['-version'],
    what: 'Java 17 or later (runs Apache Kafka)',
    install: 'apt-get install openjdk-17-jre-headless, or brew install openjdk@17',
    complaint: (output) => {
      const major = Number(/version "(?:1\.)?(\d+)/.exec(output)?.[1]);
      return major >= 17 ? null : `Java 17 or later is needed, this is ${output.split('\n')[0]}`;
    },
  },
  {
    command: 'mvn',
    args: ['-v'],
    what: 'Maven (fetches Apache Kafka)',
    install: 'apt-get install maven, or brew install maven',
  },
  {
    command: 'python3',
    args: ['-c', 'import sys, ensurepip, venv; print(sys.version_info >= (3, 10))'],
    what: 'Python 3.10 or later with venv (runs the AWS emulator)',
    install: 'apt-get install python3 python3-venv, or brew install python',
    complaint: (output) => (output.trim() === 'True' ? null : 'Python 3.10 or later is needed'),
  },
];

/** Throws one error that names every program that is missing or too old, and how to get it. */
export async function checkPrograms(): Promise<void> {
  const problems = await Promise.all(programs.map(problemOf));
  const found = problems.filter((problem) => problem !== null);
  if (found.length > 0) throw new Error(`The local stack needs programs that are not here:\n${found.join('\n')}`);
}

async function problemOf(program: Program): Promise<string | null> {
  const advice = `  ${program.command}: ${program.what}. Install it: ${program.install}`;
  try {
    const { stdout, stderr } = await promisify(execFile)(program.command, program.args);
    const complaint = program.complaint?.(stdout + stderr) ?? null;
    return complaint === null ? null : `${advice} (${complaint})`;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? advice : `${advice} (${(error as Error).message.trim().split('\n').at(-1)})`;
  }
}
