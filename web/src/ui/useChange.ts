/** A change sent to the API: busy, done, or an honest word; what was typed stays. */
import { useSignal, type Signal } from "@preact/signals";
import { change, Failure, type Method } from "../api/client";

interface Change {
  busy: Signal<boolean>;
  failure: Signal<Failure | undefined>;
  send: (method: Method, path: string, body?: unknown) => Promise<boolean>;
}

/** Gives what a form needs to send itself; `send` tells whether it was done. */
export function useChange(): Change {
  const busy = useSignal(false);
  const failure = useSignal<Failure | undefined>(undefined);
  const send = async (method: Method, path: string, body: unknown = {}): Promise<boolean> => {
    if (busy.value) return false;
    busy.value = true;
    failure.value = undefined;
    try {
      await change(method, path, body);
      return true;
    } catch (error) {
      failure.value = error instanceof Failure ? error : new Failure(0, "offline", "");
      return false;
    } finally {
      busy.value = false;
    }
  };
  return { busy, failure, send };
}
