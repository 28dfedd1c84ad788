import type { AnyPlugin, PluginDescriptor } from '../api/plugin.ts';
import type { Clock } from '../clock.ts';

/**
 * A place in a run where a process can be killed: a step that the worker tells (`step released`), or the moment before or
 * after a call that has an effect (`before task.put`, `after offsets.commitSinkPositions`). `time`: the how many-th time
 * that the run comes by there, from 1 on.
 */
export interface Point {
  readonly name: string;
  readonly time: number;
}

/** Called at every point, in the run's own stack. */
export type OnPoint = (point: Point) => void;

/** Calls that change nothing outside: being killed before or after one is the same. */
const hasEffect =
  /^(?!read|get|list|describe|find|history|connectors|isHeld|held|activeTopics|clusterId|newBatch|fetch|lag|close$)/;

const never = new Promise<never>(() => {});
const isCallable = (value: unknown): value is (...given: unknown[]) => unknown => typeof value === 'function';

/**
 * A process as the rest of the world sees it. Everything that the worker in it reaches (table, Kafka, the plugin, time)
 * is reached through its life; once that is over no call gets out any more and none is ever answered, so that what goes
 * on in memory has no effect. The one thing that it cannot hold back is what a plugin has begun by itself, as a timer.
 */
export class Life {
  readonly #onPoint: OnPoint;
  readonly #times = new Map<string, number>();
  readonly #end = Promise.withResolvers<void>();
  readonly #sleeping = new Set<() => void>();
  #over = false;

  constructor(onPoint: OnPoint) {
    this.#onPoint = onPoint;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Resolves when it is over. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  kill(): void {
    this.#over = true;
    this.#end.resolve();
  }

  /** After the death: lets what still waits for time run out, so that it holds on to nothing of this process. */
  bury(): void {
    for (const wake of [...this.#sleeping]) wake();
  }

  point(name: string): void {
    if (this.#over) return;
    const time = (this.#times.get(name) ?? 0) + 1;
    this.#times.set(name, time);
    this.#onPoint({ name, time });
  }

  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const end = (settle: () => void) => () => {
            this.#sleeping.delete(wake);
            settle();
          };
          const wake = end(resolve);
          this.#sleeping.add(wake);
          clock.sleep(ms, signal).then(
            () => (this.#over ? undefined : wake()),
            (error) => end(() => reject(error))(),
          );
        }),
    };
  }

  /** The object with its calls led through this life; what it answers that can be closed is led through it too. */
  through<T extends object>(object: T, name: string): T {
    return new Proxy(object, {
      get: (target, key) => {
        const member = Reflect.get(target, key, target);
        if (!isCallable(member)) {
          const isPart = typeof member === 'object' && member !== null && typeof key === 'string';
          return isPart ? this.through(member, key) : member;
        }
        return (...given: unknown[]) => this.#call(`${name}.${String(key)}`, () => member.apply(target, given));
      },
    });
  }

  /** `created` is told every task that the plugin makes. */
  plugin(plugin: AnyPlugin, created: (task: object) => void): AnyPlugin {
    if (plugin.kind !== 'source' && plugin.kind !== 'sink') return plugin;
    const create = async () => {
      const connector = await plugin.create();
      const own = this.through(connector as object, 'connector') as typeof connector;
      return new Proxy(own, {
        get: (target, key) => {
          if (key !== 'createTask') return Reflect.get(target, key);
          return () => {
            const task = connector.createTask();
            created(task);
            return this.through(task as object, 'task');
          };
        },
      });
    };
    return { ...plugin, create } as PluginDescriptor<'source'> | PluginDescriptor<'sink'>;
  }

  #call(name: string, call: () => unknown): unknown {
    const short = name.slice(name.lastIndexOf('.') + 1);
    const marked = hasEffect.test(short);
    if (marked) this.point(`before ${name}`);
    if (this.#over) return never;
    const answer = call();
    if (!(answer instanceof Promise)) {
      if (marked) this.point(`after ${name}`);
      return this.#over ? never : this.#answer(name, answer);
    }
    return answer.then(
      (value: unknown) => {
        if (marked) this.point(`after ${name}`);
        return this.#over ? never : this.#answer(name, value);
      },
      (error: unknown) => {
        if (this.#over) return never;
        throw error;
      },
    );
  }

  #answer(name: string, value: unknown): unknown {
    return isCloseable(value) ? this.through(value, name.slice(0, name.lastIndexOf('.'))) : value;
  }
}

function isCloseable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function';
}
