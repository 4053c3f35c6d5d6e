// The program for orval: one conversion, and what came of it.
import { chatIdToOpenConversationId } from "./generated/dingtalk.js";
import { connect } from "./service.js";

const [scheme, host, token, chatId] = process.argv.slice(2);
connect(`${scheme}://${host}`, token);
const answer = await chatIdToOpenConversationId(chatId);
// An error is an answer like another: its status tells the type of its data.
console.log(JSON.stringify(answer.status === 200
  ? { id: answer.data.openConversationId }
  : { status: answer.status, code: answer.data.code, message: answer.data.message }));
