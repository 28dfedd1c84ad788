import { ConnectError } from '../errors.ts';

/** What an exception of Java is on the wire. */
export interface JavaFailure {
  readonly class: string;
  readonly message: string;
  readonly trace: string | null;
  readonly retriable: boolean;
  /** What is missing of a plugin that does not load, in words for who has packed it. */
  readonly linkage: string | null;
}

/** Whose call it was, for messages. */
export interface JavaSubject {
  readonly className: string;
  readonly location: string;
}

export const named = ({ className, location }: JavaSubject) =>
  `the Java plugin ${className}${location === '' ? '' : ` in ${location}`}`;

/** The exception with its causes and Java's frames, as the status and the log show it. */
export function errorOf(failure: JavaFailure, subject: JavaSubject): ConnectError {
  const { linkage, retriable } = failure;
  const cause = causesOf(failure.trace ?? '');
  const message = linkage === null ? failure.message : `${capital(named(subject))} does not work: ${linkage}`;
  const error = new ConnectError('java.failed', message, {
    javaClass: failure.class,
    retriable,
    facts: { plugin: subject.className, location: subject.location },
    ...(cause.next === null ? {} : { cause: cause.next }),
  });
  error.stack = `${failure.class}: ${message}\n${cause.frames}`;
  return error;
}

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

interface Causes {
  readonly frames: string;
  readonly next: ConnectError | null;
}

function causesOf(trace: string): Causes {
  const [first = '', ...others] = trace.split(/^Caused by: /m);
  let next: ConnectError | null = null;
  for (const text of others.reverse()) {
    const title = text.split('\n', 1)[0] ?? '';
    const colon = title.indexOf(': ');
    const javaClass = colon < 0 ? title : title.slice(0, colon);
    const made: ConnectError = new ConnectError('java.failed', colon < 0 ? '' : title.slice(colon + 2), {
      javaClass,
      ...(next === null ? {} : { cause: next }),
    });
    made.stack = framesOf(text);
    next = made;
  }
  return { frames: framesOf(first), next };
}

const framesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');
