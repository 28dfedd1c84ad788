import { useCallback, useRef, useState } from 'preact/hooks';

/** Which of many rows of one height are in sight; the others are not in the page. */
export function useVirtual(length: number, rowHeight: number) {
  const node = useRef<HTMLElement | null>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  const look = useCallback(() => {
    const { current } = node;
    if (current === null) return;
    const height = current.clientHeight;
    // Between two rows nothing is new.
    const top = Math.floor(current.scrollTop / rowHeight) * rowHeight;
    setView((old) => (old.top === top && old.height === height ? old : { top, height }));
  }, [rowHeight]);
  const observer = useRef<ResizeObserver | null>(null);
  const ref = useCallback(
    (element: HTMLElement | null) => {
      observer.current?.disconnect();
      node.current = element;
      if (element === null) return;
      observer.current = new ResizeObserver(look);
      observer.current.observe(element);
      look();
    },
    [look],
  );
  const reveal = useCallback(
    (index: number) => {
      const { current } = node;
      if (current === null) return;
      const top = index * rowHeight;
      if (top < current.scrollTop) current.scrollTop = top;
      else if (top + rowHeight > current.scrollTop + current.clientHeight) {
        current.scrollTop = top + rowHeight - current.clientHeight;
      }
      look();
    },
    [rowHeight, look],
  );
  const over = 6;
  const slots = Math.ceil(view.height / rowHeight) + 2 * over + 1;
  const from = Math.max(0, Math.floor(view.top / rowHeight) - over);
  const to = Math.min(length, Math.ceil((view.top + view.height) / rowHeight) + over);
  /** Of a row: one that comes into sight takes the elements of one that has left it. */
  const keyOf = (index: number) => index % slots;
  return { ref, onScroll: look, reveal, from, to, keyOf, height: length * rowHeight };
}
