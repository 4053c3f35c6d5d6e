// A client for DingTalk on openapi-fetch and the generated types: one token for all calls, one request on the wire for each
// attempt, and repeats where the contract allows them.
import { request as http } from "node:http";
import { request as https } from "node:https";
import createClient, { type Client } from "openapi-fetch";
import type { paths } from "./schema.js";

type Rule = { kind: string; retry: boolean; waitSeconds: number; token: string };
/** A row of codes.json: of the named operations, or of all. */
export type Code = Rule & { code: string; aliases?: string[]; operations?: string[] };

const ATTEMPTS = 3;
const LARGEST = 2 ** 24; // bytes of an answer
const MAX_WAIT = 60; // seconds; whoever is to wait longer gives up
const RENEW = 600; // seconds before a token's end, or a fifth of its time
const PAUSE = 30; // seconds until a renewal that failed is tried again
const DAY = 86_400, UNKNOWN = 5; // seconds that a token is kept: at most, and without a usable lifetime
const HEADER = "x-acs-dingtalk-access-token";
const PRIVATE = /^(https:\/\/[^/?#@]+|http:\/\/(localhost|127(\.\d+){3}|\[::1\])(:\d+)?)(\/|$)/; // requests carry secrets

const now = () => performance.now() / 1000;

/** Some answers spell Code, Message. What is no object has no fields. */
const lower = (value: unknown): Record<string, unknown> =>
  value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field])) : {};

function fieldsOf(body: string): Record<string, unknown> {
  try {
    return lower(JSON.parse(body));
  } catch {
    return {};
  }
}

const text = (value: unknown) => (["string", "number"].includes(typeof value) ? String(value) : "");

/** Why there is no result. status is 0 without a whole answer; code is empty if that was no error of DingTalk's. */
export class DingTalkError extends Error {
  override readonly name = "DingTalkError";
  readonly code: string;
  readonly requestId: string;
  readonly requiredScopes: string[];
  readonly retryAfter: number; // seconds

  constructor(reason: string, readonly status = 0, body = "", headers = new Headers(), options?: ErrorOptions) {
    const fields = fieldsOf(body);
    const general = text(fields.errcode); // of the legacy API, whose 88 has a sub_code
    const code = text(fields.code) || (general === "88" && text(fields.sub_code)) || general;
    super(text(fields.message ?? fields.errmsg) || reason, options);
    this.code = code;
    this.requestId = text(fields.requestid) || (headers.get("x-acs-request-id") ?? "");
    const scopes = lower(fields.accessdenieddetail).requiredscopes;
    this.requiredScopes = Array.isArray(scopes) ? scopes : [];
    const wait = headers.get("Retry-After") ?? "";
    this.retryAfter = /^\d+$/.test(wait) ? Number(wait) : Math.max(0, (Date.parse(wait) - Date.now()) / 1000 || 0);
  }
}

/** What a call of a generated client passes on to it. */
export type Options = { headers: Record<string, string>; signal: AbortSignal | null };

type Sent = { method: string; headers: Record<string, string>; body?: Uint8Array<ArrayBuffer>; signal: AbortSignal; redirect: "manual" };
type Answer = { status: number; headers: Headers; body: AsyncIterable<Uint8Array> | null };

export type Settings = {
  /** Milliseconds that a request may take, up to the last byte of its answer; 10 seconds by default. */
  timeout?: number;
  /** Sends the requests in place of node:http, through a proxy, with metrics, in a test: a fetch that repeats nothing by itself. */
  fetch?: (url: string, init: Sent) => Promise<Answer>;
};

export class DingTalk {
  readonly api: Client<paths>;
  #base: string;
  #codes = new Map<string, Rule>();
  #credentials: string;
  #timeout: number;
  #send: (url: string, init: Sent) => Promise<Answer>;
  #token = { value: "", renewAt: 0, expires: 0 };
  #fetching?: Promise<string>;

  /** codes are the rows of codes.json. Certificates of one's own are trusted by NODE_EXTRA_CA_CERTS. */
  constructor(baseUrl: string, appKey: string, appSecret: string, codes: Code[], { timeout = 10_000, fetch = once }: Settings = {}) {
    if (!PRIVATE.test(baseUrl)) throw new RangeError(`${baseUrl.replace(/.*@/, "")} is not https`);
    this.#base = baseUrl.replace(/\/+$/, "");
    this.#credentials = JSON.stringify({ appKey, appSecret });
    this.#timeout = timeout;
    this.#send = fetch;
    this.api = createClient<paths>({ baseUrl: this.#base, fetch: this.fetch });
    for (const { code, aliases = [], operations = [""], ...rule } of codes)
      for (const operation of operations)
        for (const name of [code, ...aliases]) this.#codes.set(`${operation} ${name.toLowerCase()}`, rule);
  }

  async openConversationId(chatId: string, signal?: AbortSignal): Promise<string> {
    if (typeof chatId !== "string" || ["", ".", ".."].includes(chatId.trim())) throw new RangeError("not a chat id");
    const path = "/v1.0/im/chat/{chatId}/convertToOpenConversationId";
    const send = async (options: Options) => {
      const { data } = await this.api.POST(path, { params: { path: { chatId } }, ...options });
      if (!text(data?.openConversationId).trim()) throw new DingTalkError("the answer has no id", 200);
      return data!.openConversationId;
    };
    return this.call("chatIdToOpenConversationId", true, send, signal);
  }

  /** Returns what send returns, which passes its options on to a call of api. safe says that a repeat does no harm although the
   * service may have processed the request: x-repeat in the contract. signal ends the call, also while it waits. */
  async call<T>(operation: string, safe: boolean, send: (options: Options) => Promise<T>, signal?: AbortSignal): Promise<T> {
    let rejected: { token: string; error: DingTalkError } | undefined;
    for (let attempt = 1; ; attempt++) {
      let token: string | undefined;
      let error: DingTalkError;
      try {
        token = await unlessAborted(this.#currentToken(), signal);
        if (token === rejected?.token) throw rejected.error;
        return await send({ headers: { [HEADER]: token }, signal: signal ?? null });
      } catch (caught) {
        if (!(caught instanceof DingTalkError)) throw caught; // the caller's own, or that of signal
        error = caught;
      }
      const rule = this.#rule(token ? operation : "getAccessToken", error);
      if (token && !rejected && ["drop", "fetch"].includes(rule.token)) {
        rejected = { token, error };
        if (this.#token.value === token) this.#token.expires = 0;
        attempt--;
        continue;
      }
      const processed = token && rule.kind !== "throttled";
      const wait = Math.max(rule.waitSeconds, error.retryAfter);
      if (!rule.retry || (processed && !safe) || wait > MAX_WAIT || attempt === ATTEMPTS) throw error;
      const pause = wait + Math.random() * 0.3 * 2 ** (attempt - 1);
      await unlessAborted(new Promise((resolve) => setTimeout(resolve, pause * 1000)), signal);
    }
  }

  /** By the code: the operation's own row, the common one, or what the status says. */
  #rule(operation: string, { code, status }: DingTalkError): Rule {
    const row = this.#codes.get(`${operation} ${code.toLowerCase()}`) ?? this.#codes.get(` ${code.toLowerCase()}`);
    const retry = [0, 429].includes(status) || status >= 500;
    return row ?? { kind: status === 429 ? "throttled" : "", retry, waitSeconds: 0, token: status === 401 ? "drop" : "keep" };
  }

  /** For generated clients: one request to the address of this client, whatever host the contract names, and the whole of a
   * success. All else is a DingTalkError. */
  readonly fetch = async (input: Request | string | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const headers = new Headers(request.headers);
    let url = request.url.startsWith(this.#base) ? request.url : this.#base + request.url.replace(/^https?:\/\/[^/]*/, "");
    if (!/^\/v\d/.test(url.slice(this.#base.length))) {
      // The legacy API has a host of its own, and takes the token in the URL.
      url = url.replace(/^https:\/\/api(?=\.dingtalk\.)/, "https://oapi");
      url += `${url.includes("?") ? "&" : "?"}access_token=${encodeURIComponent(headers.get(HEADER) ?? "")}`;
      headers.delete(HEADER);
    }
    const limit = AbortSignal.timeout(this.#timeout), signal = AbortSignal.any([limit, request.signal]);
    const sent: Sent = { method: request.method, headers: Object.fromEntries(headers), signal, redirect: "manual" };
    if (!["GET", "HEAD"].includes(request.method)) sent.body = new Uint8Array(await request.arrayBuffer());
    let answer: Answer;
    let body: string;
    try {
      answer = await this.#send(url, sent);
      body = await whole(answer);
    } catch (cause) {
      if (request.signal.aborted) throw request.signal.reason;
      throw new DingTalkError(limit.aborted ? `no answer within ${this.#timeout} ms` : "no answer", 0, "", undefined, { cause });
    }
    if (answer.status < 200 || answer.status > 299 || Number(fieldsOf(body).errcode ?? 0) !== 0)
      throw new DingTalkError(`HTTP ${answer.status} without a result`, answer.status, body, answer.headers);
    try {
      JSON.parse(body || "null");
    } catch {
      throw new DingTalkError("the answer is no JSON", answer.status, "", answer.headers);
    }
    return new Response(body || null, { status: body ? answer.status : 204, headers: { "Content-Type": "application/json" } });
  };

  /** Whoever comes while one fetches waits for that. A renewal is waited for by nobody: the old token serves until its end. */
  async #currentToken(): Promise<string> {
    const { value, renewAt, expires } = this.#token;
    if (now() < Math.min(renewAt, expires)) return value;
    this.#fetching ??= this.#fetchToken().finally(() => (this.#fetching = undefined));
    if (now() >= expires) return this.#fetching;
    this.#token.renewAt = now() + PAUSE;
    this.#fetching.catch(() => {});
    return value;
  }

  async #fetchToken(): Promise<string> {
    const begun = now();
    const headers = { "Content-Type": "application/json" };
    const answer = await this.fetch(`${this.#base}/v1.0/oauth2/accessToken`, { method: "POST", headers, body: this.#credentials });
    const fields = fieldsOf(await answer.text());
    const value = fields.accesstoken;
    if (typeof value !== "string" || !/^[!-~]+$/.test(value)) throw new DingTalkError("the token call's answer has no token", 200);
    const seconds = Number(text(fields.expirein));
    const lasts = seconds >= 1 ? Math.min(seconds, DAY) : UNKNOWN;
    this.#token = { value, renewAt: begun + lasts - Math.min(RENEW, lasts / 5), expires: begun + lasts };
    return value;
  }
}

/** One request. The global fetch would send a GET again that is answered with 421. */
const once = (url: string, { body, ...options }: Sent) =>
  new Promise<Answer>((resolve, reject) => {
    const request = (url.startsWith("https:") ? https : http)(url, options, (answer) =>
      resolve({ status: answer.statusCode ?? 0, headers: new Headers(answer.headers as Record<string, string>), body: answer }));
    request.on("error", reject).end(body);
  });

/** An answer's text. One that has no end is no answer. */
async function whole(answer: Answer): Promise<string> {
  const decoder = new TextDecoder();
  let body = "";
  for await (const chunk of answer.body ?? []) {
    body += decoder.decode(chunk, { stream: true });
    if (body.length > LARGEST) throw new RangeError("the answer is too long");
  }
  return body + decoder.decode();
}

function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
