// The Node.js program of the interop table: types from openapi-typescript, calls with openapi-fetch.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type ApiError = components["schemas"]["ApiError"];

async function convert(baseUrl: string, token: string, chatId: string): Promise<object> {
  const client = createClient<paths>({ baseUrl });
  client.use({
    onRequest({ request }) {
      request.headers.set("x-acs-dingtalk-access-token", token);
      return request;
    },
  });
  const { data, error, response } = await client.POST("/v1.0/im/chat/{chatId}/convertToOpenConversationId", {
    params: { path: { chatId } },
  });
  return data ? { id: data.openConversationId } : failure(response, error);
}

async function getToken(baseUrl: string, appKey: string, appSecret: string): Promise<object> {
  const client = createClient<paths>({ baseUrl });
  const { data, error, response } = await client.POST("/v1.0/oauth2/accessToken", { body: { appKey, appSecret } });
  return data ? { accessToken: data.accessToken, expireIn: data.expireIn } : failure(response, error);
}

// An error that is not JSON is text here, whatever its type says.
function failure(response: Response, error: ApiError | undefined): object {
  if (typeof error !== "object") return { status: response.status };
  return {
    status: response.status,
    code: error.code,
    message: error.message,
    requestId: error.requestid,
    requiredScopes: error.accessdenieddetail?.requiredScopes,
  };
}

const [operation, baseUrl, first, second] = process.argv.slice(2);
try {
  const call = operation === "token" ? getToken : convert;
  console.log(JSON.stringify(await call(baseUrl, first, second)));
} catch (error) {
  console.log(JSON.stringify({ failure: String(error) }));
}
