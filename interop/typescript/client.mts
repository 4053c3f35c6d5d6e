// The Node.js program of the interop table: it reads what to do, one JSON object a line, and prints what came of it.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { DingTalk, DingTalkError, result } from "./dingtalk.mjs";

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
    result(await client.api.POST("/v1.0/robot/groupMessages/send", { body, ...options }), (data) => data.processQueryKey));
}

const codes = JSON.parse(readFileSync(process.argv[2], "utf8"));
let client: DingTalk;
async function make({ url, appKey, appSecret }: Record<string, string>): Promise<string> {
  client = new DingTalk(url, appKey, appSecret, codes);
  return "";
}

for await (const line of createInterface({ input: process.stdin })) {
  const { client: made, convert = [], send: to = [] } = JSON.parse(line);
  const calls = made
    ? [make(made)]
    : [...convert.map((id: string) => client.openConversationId(id)), ...to.map((id: string) => send(client, id))];
  console.log(JSON.stringify(await Promise.all(calls.map(outcome))));
}
