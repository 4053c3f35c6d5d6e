// The program for openapi-generator's typescript-fetch: one conversion, and what came of it.
import { Configuration, ImApi, ResponseError } from "./generated/index.js";

const [scheme, host, token, chatId] = process.argv.slice(2);
const api = new ImApi(new Configuration({ basePath: `${scheme}://${host}`, apiKey: token }));
try {
  const { openConversationId } = await api.chatIdToOpenConversationId({ chatId });
  console.log(JSON.stringify({ id: openConversationId }));
} catch (error) {
  if (!(error instanceof ResponseError)) throw error;
  const { code, message } = await error.response.json();
  console.log(JSON.stringify({ status: error.response.status, code, message }));
}
