// The program for @hey-api/openapi-ts: one conversion, and what came of it.
import { createClient } from "./generated/client/index.js";
import { chatIdToOpenConversationId } from "./generated/sdk.gen.js";

const [scheme, host, token, chatId] = process.argv.slice(2);
const client = createClient({ baseUrl: `${scheme}://${host}`, auth: token });
const { data, error, response } = await chatIdToOpenConversationId({ client, path: { chatId } });
// An error that is no JSON is text, whatever its type says.
const failure = typeof error === "object" && error && "code" in error ? error : undefined;
console.log(JSON.stringify({ id: data?.openConversationId, status: response?.status, code: failure?.code, message: failure?.message }));
