import htm from 'htm';
import { type ComponentChild, type ComponentChildren, h } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export type Children = ComponentChildren;
export type Element = ComponentChild;

/** Markup without a build step. */
export const html = (htm as unknown as Binder).bind(h);

/** Its own types are those of its CommonJS file. */
interface Binder {
  bind(create: typeof h): (strings: TemplateStringsArray, ...values: unknown[]) => Element;
}

export interface Polled<T> {
  readonly data: T | null;
  readonly error: string | null;
  refresh(): void;
}

/**
 * Asks again and again while the page is looked at. `key` names what is asked for: with another one what was known is
 * forgotten.
 */
export function usePolled<T>(key: string, everyMs: number, ask: (refreshed: boolean) => Promise<T>): Polled<T> {
  const [state, setState] = useState<{ key: string; data: T | null; error: string | null }>({
    key,
    data: null,
    error: null,
  });
  const latest = useRef(ask);
  latest.current = ask;
  const nudge = useRef<() => void>(() => {});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    let busy = false;
    let again = false;
    const look = async (refreshed: boolean): Promise<void> => {
      clearTimeout(timer);
      if (busy) {
        again ||= refreshed;
        return;
      }
      busy = true;
      try {
        const data = await latest.current(refreshed);
        if (!ended) setState({ key, data, error: null });
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        if (!ended) setState((old) => ({ key, data: old.key === key ? old.data : null, error: said }));
      }
      busy = false;
      if (ended) return;
      if (again) {
        again = false;
        return await look(true);
      }
      timer = setTimeout(() => {
        if (!document.hidden) void look(false);
      }, everyMs);
    };
    const shown = () => {
      if (!document.hidden) void look(false);
    };
    nudge.current = () => void look(true);
    document.addEventListener('visibilitychange', shown);
    void look(false);
    return () => {
      ended = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', shown);
    };
  }, [key, everyMs]);
  const refresh = useCallback(() => nudge.current(), []);
  return state.key === key ? { data: state.data, error: state.error, refresh } : { data: null, error: null, refresh };
}

/** Width and height of an element, as they change. */
export function useSize(): [(node: HTMLElement | null) => void, { width: number; height: number }] {
  const [size, setSize] = useState({ width: 0, height: 0 });
  const observer = useRef<ResizeObserver | null>(null);
  const ref = useCallback((node: HTMLElement | null) => {
    observer.current?.disconnect();
    if (node === null) return;
    const look = () => {
      const { clientWidth: width, clientHeight: height } = node;
      setSize((old) => (old.width === width && old.height === height ? old : { width, height }));
    };
    observer.current = new ResizeObserver(look);
    observer.current.observe(node);
    look();
  }, []);
  return [ref, size];
}

/** The part of the address behind `#`, which says what is shown. */
export function useRoute(): readonly string[] {
  const read = () =>
    location.hash
      .replace(/^#\/?/, '')
      .split('/')
      .map((part) => {
        try {
          return decodeURIComponent(part);
        } catch {
          return part;
        }
      });
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}

export const hrefOf = (...parts: readonly string[]) => `#/${parts.map(encodeURIComponent).join('/')}`;
