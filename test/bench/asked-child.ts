import { type ForkOptions, fork } from 'node:child_process';

/** As Lambda's runtime starts Node in a function of so many MB: on its command line, where no setting of a function undoes it. */
export const functionOptions = (memoryMb: number): readonly string[] => [
  `--max-semi-space-size=${Math.floor(memoryMb / 20)}`,
  `--max-old-space-size=${Math.floor(memoryMb * 0.9)}`,
];

/** Of the task function, as the construct makes it by default. */
export const functionMb = 1024;

/** What a child answers a question with; its first, of id 0, says that it is ready. */
export interface ChildAnswer {
  readonly id: number;
  readonly error?: string;
}

/** A process that answers each question when it is done. */
export interface AskedChild<Question, Answer> {
  readonly pid: number;
  ask(question: Question): Promise<Answer>;
  stop(): Promise<void>;
}

interface ForkedAs extends ForkOptions {
  readonly args?: readonly string[];
}

/** Node is told of a function's memory. Resolves when the child is ready. `onOther` gets the messages that are no answers. */
export async function startAskedChild<Question extends object, Answer extends ChildAnswer, Other = never>(
  label: string,
  program: string,
  { args = [], ...options }: ForkedAs,
  onOther: (message: Other) => void = () => {},
): Promise<AskedChild<Question, Answer>> {
  const child = fork(program, args, { execArgv: [...functionOptions(functionMb)], ...options });
  const waiting = new Map<number, PromiseWithResolvers<Answer>>();
  const answer = (id: number) => {
    const waiter = Promise.withResolvers<Answer>();
    waiting.set(id, waiter);
    return waiter.promise;
  };
  child.on('message', (message: Answer | Other) => {
    if (!isAnswer<Answer>(message)) {
      onOther(message);
      return;
    }
    const waiter = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) waiter?.resolve(message);
    else waiter?.reject(new Error(message.error));
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${label} ended with code ${code}`));
  });
  await answer(0);
  let questions = 0;
  return {
    pid: child.pid!,
    ask(question) {
      const id = ++questions;
      child.send({ ...question, id });
      return answer(id);
    },
    async stop() {
      child.disconnect();
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

function isAnswer<Answer extends ChildAnswer>(message: unknown): message is Answer {
  return typeof message === 'object' && message !== null && 'id' in message;
}
