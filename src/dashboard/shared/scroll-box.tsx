import { type ReactNode, useLayoutEffect, useRef, useState } from "react";

/** A box that scrolls. The Tab key stops at it while part of its content is out of sight, so that arrow keys scroll it. */
export function ScrollBox({
  label,
  className,
  children,
}: {
  label: string;
  className: string;
  children: ReactNode;
}) {
  const box = useRef<HTMLElement>(null);
  const [overflows, setOverflows] = useState(false);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () =>
      setOverflows(element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight);
    const observer = new ResizeObserver(measure);
    for (const each of [element, ...element.children]) observer.observe(each);
    return () => observer.disconnect();
  }, []);
  return (
    <section ref={box} className={className} {...(overflows && { tabIndex: 0, "aria-label": label })}>
      {children}
    </section>
  );
}
