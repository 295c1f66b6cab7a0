/** The large chart, loaded when first needed: the first page does not wait for it. */
import { lazy, Suspense } from "preact/compat";
import type { ComponentProps, JSX } from "preact";
import type Chart from "./TimeChart";

const Loaded = lazy(() => import("./TimeChart"));

/** The large chart with a still place held for it. */
export function History(props: ComponentProps<typeof Chart>): JSX.Element {
  return (
    <Suspense fallback={<div style={{ minHeight: `${props.height ?? 300}px` }} />}>
      <Loaded {...props} />
    </Suspense>
  );
}
