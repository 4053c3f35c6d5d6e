// The C program of the interop table, on the client that openapi-generator makes on libcurl.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/ImAPI.h"
#include "api/Oauth2API.h"
#include "external/cJSON.h"
#include "model/api_error.h"

// The client frees the body of an error before it returns. This copy is made as the body arrives, and holds what has arrived
// so far: the callback is called for each piece with all of it.
static char *body;

static void keep_body(void **data, long *length) {
  free(body);
  body = strndup(*data, *length);
}

static void add_text(cJSON *report, const char *name, const char *text) {
  if (text) cJSON_AddStringToObject(report, name, text);
}

// add_error reads the body with the generated model of the contract's error.
static void add_error(cJSON *report, long status) {
  cJSON_AddNumberToObject(report, "status", status);
  cJSON *json = body ? cJSON_Parse(body) : NULL;
  api_error_t *error = json ? api_error_parseFromJSON(json) : NULL;
  if (error) {
    add_text(report, "code", error->code);
    add_text(report, "message", error->message);
    add_text(report, "requestId", error->requestid);
    if (error->accessdenieddetail && error->accessdenieddetail->required_scopes) {
      cJSON *scopes = cJSON_AddArrayToObject(report, "requiredScopes");
      listEntry_t *entry;
      list_ForEach(entry, error->accessdenieddetail->required_scopes) {
        cJSON_AddItemToArray(scopes, cJSON_CreateString(entry->data));
      }
    }
    api_error_free(error);
  }
  cJSON_Delete(json);
}

static void convert(cJSON *report, char *url, char *token, char *chat_id) {
  list_t *keys = list_createList();
  list_addElement(keys, keyValuePair_create("x-acs-dingtalk-access-token", token));
  apiClient_t *client = apiClient_create_with_base_path(url, NULL, keys);
  client->data_callback_func = keep_body;
  chat_id_to_open_conversation_id_response_body_t *answer = ImAPI_chatIdToOpenConversationId(client, chat_id);
  if (answer) {
    add_text(report, "id", answer->open_conversation_id);
    chat_id_to_open_conversation_id_response_body_free(answer);
  } else {
    add_error(report, client->response_code);
  }
  apiClient_free(client);
}

static void get_token(cJSON *report, char *url, char *app_key, char *app_secret) {
  apiClient_t *client = apiClient_create_with_base_path(url, NULL, NULL);
  client->data_callback_func = keep_body;
  get_access_token_request_t *request = get_access_token_request_create(strdup(app_key), strdup(app_secret));
  get_access_token_response_body_t *answer = Oauth2API_getAccessToken(client, request);
  if (answer) {
    add_text(report, "accessToken", answer->access_token);
    if (answer->expire_in) cJSON_AddNumberToObject(report, "expireIn", *answer->expire_in);
    get_access_token_response_body_free(answer);
  } else {
    add_error(report, client->response_code);
  }
  apiClient_free(client);
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fputs("usage: client convert URL TOKEN CHATID | client token URL APPKEY APPSECRET\n", stderr);
    return 2;
  }
  apiClient_setupGlobalEnv();
  cJSON *report = cJSON_CreateObject();
  (strcmp(argv[1], "token") == 0 ? get_token : convert)(report, argv[2], argv[3], argv[4]);
  char *line = cJSON_PrintUnformatted(report);
  // On a line of its own, since the client itself prints.
  printf("\n%s\n", line);
  free(line);
  cJSON_Delete(report);
  free(body);
  apiClient_unsetupGlobalEnv();
  return 0;
}
