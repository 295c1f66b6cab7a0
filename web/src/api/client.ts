/** Talks to the API; every failure becomes one kind of error with a remedy. */
import { signal } from "@preact/signals";

/** What went wrong, in the API's words where it has some. */
export class Failure extends Error {
  readonly status: number;
  readonly code: string;
  readonly remedy: string;

  constructor(status: number, code: string, message: string, remedy = "") {
    super(message);
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }

  /** Whether the server could not be reached at all. */
  get offline(): boolean {
    return this.status === 0;
  }
}

/** Turns false when the server says this browser is not logged in. */
export const loggedIn = signal<boolean | null>(null);

interface ErrorBody {
  error?: { code?: string; message?: string; remedy?: string };
}

async function failureOf(response: Response): Promise<Failure> {
  let body: ErrorBody = {};
  try {
    body = (await response.json()) as ErrorBody;
  } catch {
    // not JSON: a proxy answered in our stead; the status has to do
  }
  const error = body.error ?? {};
  return new Failure(
    response.status,
    error.code ?? `http_${response.status}`,
    error.message ?? response.statusText,
    error.remedy ?? "",
  );
}

async function send(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, { credentials: "same-origin", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Failure(0, "offline", "");
  }
  if (response.status === 401 && path !== "/login") loggedIn.value = false;
  if (!response.ok) throw await failureOf(response);
  if (response.status === 204) return undefined;
  const text = await response.text();
  return text === "" ? undefined : (JSON.parse(text) as unknown);
}

/** Reads; the caller names the type from the generated ones. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send(path, signal === undefined ? {} : { signal })) as T;
}

/** How something is changed. */
export type Method = "POST" | "PUT" | "PATCH" | "DELETE";

/** Changes something; the header tells the API that a page of its own asks. */
export async function change<T>(method: Method, path: string, body: unknown = {}): Promise<T> {
  return (await send(path, {
    method,
    headers: { "Content-Type": "application/json", "X-Caretaker": "1" },
    body: JSON.stringify(body),
  })) as T;
}
