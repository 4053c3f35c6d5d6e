// The Node.js program of the interop table: it reads what to do, one JSON object a line, and prints what came of it.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { DingTalk, DingTalkError } from "./dingtalk.mjs";

async function outcome(call: Promise<string>): Promise<object> {
  try {
    return { id: await call };
  } catch (error) {
    if (!(error instanceof DingTalkError)) return { failure: String(error) };
    const { status, code, message, requestId, requiredScopes, cause } = error;
    return { status, code, message, requestId, requiredScopes, failure: String(cause ?? error) };
  }
}

function send(client: DingTalk, openConversationId: string): Promise<string> {
  const body = { openConversationId, robotCode: "robot", msgKey: "sampleText", msgParam: "{}" };
  return client.call("orgGroupSend", false, async (options) =>
    (await client.api.POST("/v1.0/robot/groupMessages/send", { body, ...options })).data!.processQueryKey ?? "");
}

function getChat(client: DingTalk, chatid: string): Promise<string> {
  return client.call("getChat", true, async (options) =>
    (await client.api.GET("/chat/get", { params: { query: { chatid } }, ...options })).data!.chat_info?.chatid ?? "");
}

const named = { convert: (client: DingTalk, id: string) => client.openConversationId(id), send, getChat };
const codes = JSON.parse(readFileSync(process.argv[2], "utf8"));
let client: DingTalk;
async function make({ url, appKey, appSecret, timeout = 10 }: { url: string; appKey: string; appSecret: string; timeout?: number }): Promise<string> {
  client = new DingTalk(url, appKey, appSecret, codes, { timeout: timeout * 1000 });
  return "";
}

for await (const line of createInterface({ input: process.stdin })) {
  const { client: made, calls = [] } = JSON.parse(line) as { client?: Parameters<typeof make>[0]; calls?: [keyof typeof named, string][] };
  const all = made ? [make(made)] : calls.map(([name, of]) => named[name](client, of));
  console.log(JSON.stringify(await Promise.all(all.map(outcome))));
}
