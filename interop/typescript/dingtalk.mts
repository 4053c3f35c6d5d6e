// A client for DingTalk on openapi-fetch and the generated types: one token for all calls, and repeats where the contract
// allows them.
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Rule = { kind: string; retry: boolean; waitSeconds: number; token: string };
/** A row of codes.json: of the named operations, or of all. */
export type Code = Rule & { code: string; aliases?: string[]; operations?: string[] };

const ATTEMPTS = 3;
const TIMEOUT = 10_000; // ms
const MAX_WAIT = 60; // seconds; whoever is to wait longer gives up
const RENEW = 600; // seconds before a token's end, or a fifth of its time
const PAUSE = 30; // seconds until a renewal that failed is tried again
const PRIVATE = /^(https:\/\/|http:\/\/(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(\/|$))/; // requests carry secrets

const now = () => performance.now() / 1000;
const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Some answers spell Code, Message. */
const lower = (fields: object) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));

/** Why there is no result. status is 0 without an answer; code is empty if the answer was no error of DingTalk's. */
export class DingTalkError extends Error {
  readonly code: string;
  readonly requestId?: string;
  readonly requiredScopes?: string[];
  readonly retryAfter: number; // seconds

  /** body is what openapi-fetch calls error, text if the answer was no JSON; or what was thrown in place of an answer. */
  constructor(readonly status: number, body: unknown, headers?: Headers) {
    const fields = body instanceof Error ? {} : lower(Object(body));
    super(fields.message ?? `HTTP ${status} without a result`, { cause: body });
    this.code = String(fields.code ?? "");
    this.requestId = fields.requestid;
    this.requiredScopes = lower(fields.accessdenieddetail ?? {}).requiredscopes;
    const wait = headers?.get("Retry-After") ?? "";
    this.retryAfter = /^\d+$/.test(wait) ? Number(wait) : Math.max(0, (Date.parse(wait) - Date.now()) / 1000 || 0);
  }
}

/** For a call of openapi-fetch: the token, a time limit, and redirects as answers, since the token would go along. */
const requestOptions = (token?: string) => ({
  headers: token ? { "x-acs-dingtalk-access-token": token } : {},
  signal: AbortSignal.timeout(TIMEOUT),
  redirect: "manual" as const,
});
export type Options = ReturnType<typeof requestOptions>;

/** What a successful answer holds, or an error. */
export function result<T>(answer: { data?: T; error?: unknown; response: Response }, field: (data: T) => string): string {
  const found = answer.data && field(answer.data);
  if (!found) throw new DingTalkError(answer.response.status, answer.error, answer.response.headers);
  return found;
}

export class DingTalk {
  readonly api: Client<paths>;
  #codes = new Map<string, Rule>();
  #credentials: components["schemas"]["GetAccessTokenRequest"];
  #token = { value: "", renewAt: 0, expires: 0 };
  #fetching?: Promise<string>;

  /** codes are the rows of codes.json. Certificates of one's own are trusted by NODE_EXTRA_CA_CERTS. */
  constructor(baseUrl: string, appKey: string, appSecret: string, codes: Code[]) {
    if (!PRIVATE.test(baseUrl)) throw new RangeError(`${baseUrl} is not https`);
    this.api = createClient<paths>({ baseUrl });
    this.#credentials = { appKey, appSecret };
    for (const { code, aliases = [], operations = [""], ...rule } of codes)
      for (const operation of operations)
        for (const name of [code, ...aliases]) this.#codes.set(`${operation} ${name.toLowerCase()}`, rule);
  }

  async openConversationId(chatId: string): Promise<string> {
    if (["", ".", ".."].includes(chatId)) throw new RangeError("not a chat id");
    return this.call("chatIdToOpenConversationId", true, async (options) => {
      const path = "/v1.0/im/chat/{chatId}/convertToOpenConversationId";
      return result(await this.api.POST(path, { params: { path: { chatId } }, ...options }), (data) => data.openConversationId);
    });
  }

  /** Returns what send does. safe says that a repeat does no harm although the service may have processed the request: x-repeat
   * in the contract. */
  async call(operation: string, safe: boolean, send: (options: Options) => Promise<string>): Promise<string> {
    let rejected: { token: string; error: DingTalkError } | undefined;
    for (let attempt = 1; ; attempt++) {
      let token: string | undefined;
      let error: DingTalkError;
      try {
        token = await this.#currentToken();
        if (token === rejected?.token) throw rejected.error;
        return await send(requestOptions(token));
      } catch (caught) {
        error = caught instanceof DingTalkError ? caught : new DingTalkError(caught instanceof SyntaxError ? 200 : 0, caught);
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
      await sleep(wait + Math.random() * 0.3 * 2 ** (attempt - 1));
    }
  }

  /** By the code: the operation's own row, the common one, or what the status says. */
  #rule(operation: string, { code, status }: DingTalkError): Rule {
    const row = this.#codes.get(`${operation} ${code.toLowerCase()}`) ?? this.#codes.get(` ${code.toLowerCase()}`);
    const retry = [0, 429].includes(status) || status >= 500;
    return row ?? { kind: status === 429 ? "throttled" : "", retry, waitSeconds: 0, token: status === 401 ? "drop" : "keep" };
  }

  /** Whoever comes while one fetches waits for that. A renewal is waited for by nobody: the old token serves until its end. */
  #currentToken(): string | Promise<string> {
    const { value, renewAt, expires } = this.#token;
    if (now() < renewAt && now() < expires) return value;
    this.#fetching ??= this.#fetchToken().finally(() => (this.#fetching = undefined));
    if (now() >= expires) return this.#fetching;
    this.#token.renewAt = now() + PAUSE;
    this.#fetching.catch(() => {});
    return value;
  }

  async #fetchToken(): Promise<string> {
    const answer = await this.api.POST("/v1.0/oauth2/accessToken", { body: this.#credentials, ...requestOptions() });
    const value = result(answer, (data) => data.accessToken);
    const lasts = answer.data!.expireIn;
    this.#token = { value, renewAt: now() + lasts - Math.min(RENEW, lasts / 5), expires: now() + lasts };
    return value;
  }
}
