// A client for DingTalk on openapi-fetch and the generated types: one token for all calls, and repeats where the contract
// allows them.
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

/** A row of codes.json. */
export interface Code {
  code: string;
  aliases?: string[];
  kind: string;
  retry: boolean;
  waitSeconds: number;
  token: "keep" | "drop" | "fetch" | "none";
}

const ATTEMPTS = 3;
const TIMEOUT = 10_000; // ms
const RENEW = 600; // seconds before a token's end, or a fifth of its time
const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

type Fields = Record<string, any>;
/** Some answers spell Code, Message. */
const lower = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));

/** Why there is no result. status is 0 without an answer; code is empty if the answer was no error of DingTalk's. */
export class DingTalkError extends Error {
  readonly code: string;
  readonly requestId?: string;
  readonly requiredScopes?: string[];

  /** body is what openapi-fetch calls error, text if the answer was no JSON; or what was thrown in place of an answer. */
  constructor(readonly status: number, body: unknown) {
    const fields = body instanceof Error ? {} : lower(Object(body));
    super(fields.message ?? `HTTP ${status} without a result`, { cause: body });
    this.code = fields.code ?? "";
    this.requestId = fields.requestid;
    this.requiredScopes = lower(fields.accessdenieddetail ?? {}).requiredscopes;
  }
}

/** For a call of openapi-fetch: the token, a time limit, and redirects as answers, since the token would go along. */
const requestOptions = (token?: string) => ({
  headers: token ? { "x-acs-dingtalk-access-token": token } : {},
  signal: AbortSignal.timeout(TIMEOUT),
  redirect: "manual" as const,
});

export class DingTalk {
  readonly api: Client<paths>;
  #codes: Map<string, Code>;
  #credentials: components["schemas"]["GetAccessTokenRequest"];
  #token?: Promise<string>; // in flight, or there
  #fetched?: string;
  #renewAt = 0;

  /** codes are the rows of codes.json. Certificates of one's own are trusted by NODE_EXTRA_CA_CERTS. */
  constructor(baseUrl: string, appKey: string, appSecret: string, codes: Code[]) {
    this.api = createClient<paths>({ baseUrl });
    this.#credentials = { appKey, appSecret };
    this.#codes = new Map(codes.flatMap((row) => [row.code, ...(row.aliases ?? [])].map((name) => [name.toLowerCase(), row])));
  }

  async openConversationId(chatId: string): Promise<string> {
    if (["", ".", ".."].includes(chatId)) throw new RangeError("not a chat id");
    const path = "/v1.0/im/chat/{chatId}/convertToOpenConversationId";
    const send = async (options: Options) => this.api.POST(path, { params: { path: { chatId } }, ...options });
    return this.call(true, async (options) => result(await send(options), (data) => data.openConversationId));
  }

  /** Returns what send does. safe says that a repeat does no harm although the service may have processed the request: x-repeat
   * in the contract. */
  async call(safe: boolean, send: (options: Options) => Promise<string>): Promise<string> {
    let rejected: { token: string; error: DingTalkError } | undefined;
    for (let attempt = 1; ; attempt++) {
      let sent: string | undefined;
      let error: DingTalkError;
      try {
        const token = await this.#currentToken();
        if (token === rejected?.token) throw rejected.error;
        sent = token;
        return await send(requestOptions(token));
      } catch (caught) {
        error = caught instanceof DingTalkError ? caught : new DingTalkError(caught instanceof SyntaxError ? 200 : 0, caught);
      }
      const row = this.#codes.get(error.code.toLowerCase());
      if (sent && !rejected && (row?.token === "drop" || row?.token === "fetch")) {
        rejected = { token: sent, error };
        if (this.#fetched === sent) this.#token = undefined;
        attempt--;
        continue;
      }
      const repeat = row ? row.retry : error.status === 0 || error.status === 429 || error.status >= 500;
      const refused = error.status === 429 || row?.kind === "throttled";
      if (!repeat || attempt === ATTEMPTS || !(safe || refused || !sent)) throw error;
      await sleep(Math.max(row?.waitSeconds ?? 0, Math.random() * 0.3 * 2 ** attempt));
    }
  }

  #currentToken(): Promise<string> {
    if (!this.#token || performance.now() >= this.#renewAt) {
      this.#renewAt = Infinity; // whoever comes meanwhile waits for this one
      this.#token = this.#fetchToken();
      this.#token.catch(() => (this.#token = undefined));
    }
    return this.#token;
  }

  async #fetchToken(): Promise<string> {
    const answer = await this.api.POST("/v1.0/oauth2/accessToken", { body: this.#credentials, ...requestOptions() });
    this.#fetched = result(answer, (data) => data.accessToken);
    const lasts = answer.data!.expireIn;
    this.#renewAt = performance.now() + 1000 * (lasts - Math.min(RENEW, lasts / 5));
    return this.#fetched;
  }
}

export type Options = ReturnType<typeof requestOptions>;

/** What a successful answer holds, or an error. */
export function result<T>(answer: { data?: T; error?: unknown; response: Response }, field: (data: T) => string): string {
  const found = answer.data && field(answer.data);
  if (!found) throw new DingTalkError(answer.response.status, answer.error);
  return found;
}
