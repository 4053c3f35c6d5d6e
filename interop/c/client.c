// The C program of the interop table: it reads what to do, one JSON object a line, and prints what came of it.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/LegacyAPI.h"
#include "api/RobotAPI.h"
#include "dingtalk.h"

// A call, and what it came to.
typedef struct {
  dingtalk *client;
  const char *kind;
  char *to, *result;
  cJSON *report;
  pthread_t thread;
} call;

static char *text(const char *text) { return text && *text ? strdup(text) : NULL; }

static void send_message(apiClient_t *api, void *argument) {
  call *c = argument;
  org_group_send_request_t *request =
      org_group_send_request_create(strdup("sampleText"), strdup("{}"), strdup(c->to), strdup("robot"), NULL);
  org_group_send_response_body_t *answer = RobotAPI_orgGroupSend(api, request);
  if (answer) c->result = text(answer->process_query_key);
  org_group_send_response_body_free(answer);
  org_group_send_request_free(request);
}

static void get_chat(apiClient_t *api, void *argument) {
  call *c = argument;
  char *id = curl_easy_escape(NULL, c->to, 0), *target;
  asprintf(&target, "/chat/get?chatid=%s", id);
  dingtalk_legacy(api, target);
  get_chat_response_body_t *answer = LegacyAPI_getChat(api, id);
  if (answer && answer->chat_info) c->result = text(answer->chat_info->chatid);
  get_chat_response_body_free(answer);
  curl_free(id), free(target);
}

static void add_text(cJSON *report, const char *name, const cJSON *text) {
  if (cJSON_IsString(text)) cJSON_AddStringToObject(report, name, text->valuestring);
}

static void *make(void *argument) {
  call *c = argument;
  dingtalk_error error;
  bool done = false;
  if (strcmp(c->kind, "send") == 0) done = dingtalk_call(c->client, "orgGroupSend", false, send_message, c, &error);
  else if (strcmp(c->kind, "getChat") == 0) done = dingtalk_call(c->client, "getChat", true, get_chat, c, &error);
  else done = (c->result = dingtalk_open_conversation_id(c->client, c->to, &error)) != NULL;
  c->report = cJSON_CreateObject();
  if (done) {
    if (c->result) cJSON_AddStringToObject(c->report, "id", c->result);
  } else {
    cJSON_AddNumberToObject(c->report, "status", error.status);
    cJSON_AddStringToObject(c->report, "code", error.code);
    add_text(c->report, "message", cJSON_GetObjectItem(error.fields, "message"));
    add_text(c->report, "requestId", cJSON_GetObjectItem(error.fields, "requestid"));
    cJSON *scopes = cJSON_GetObjectItem(cJSON_GetObjectItem(error.fields, "accessdenieddetail"), "requiredScopes");
    if (scopes) cJSON_AddItemToObject(c->report, "requiredScopes", cJSON_Duplicate(scopes, true));
  }
  cJSON_Delete(error.fields);
  free(c->result);
  return NULL;
}

static void print(cJSON *reports) {
  char *line = cJSON_PrintUnformatted(reports);
  printf("\n%s\n", line); // on a line of its own, since the generated client prints, too
  fflush(stdout);
  free(line);
  cJSON_Delete(reports);
}

static void run(dingtalk *client, const cJSON *wanted) {
  enum { MOST = 64 };
  call calls[MOST];
  int n = 0;
  const cJSON *of;
  cJSON_ArrayForEach(of, cJSON_GetObjectItem(wanted, "calls"))
    if (n < MOST) calls[n++] = (call){client, of->child->valuestring, of->child->next->valuestring};
  for (int i = 0; i < n; i++) pthread_create(&calls[i].thread, NULL, make, &calls[i]);
  cJSON *reports = cJSON_CreateArray();
  for (int i = 0; i < n; i++) {
    pthread_join(calls[i].thread, NULL);
    cJSON_AddItemToArray(reports, calls[i].report);
  }
  print(reports);
}

static char *read_file(const char *name) {
  FILE *file = fopen(name, "r");
  char *text = NULL;
  size_t size = 0;
  if (!file || getdelim(&text, &size, '\0', file) < 0) exit(EXIT_FAILURE);
  fclose(file);
  return text;
}

int main(int argc, char **argv) {
  apiClient_setupGlobalEnv();
  char *text = read_file(argv[argc - 1]), *line = NULL;
  cJSON *codes = cJSON_Parse(text);
  size_t size = 0;
  dingtalk *client = NULL;
  while (getline(&line, &size, stdin) > 0) {
    cJSON *wanted = cJSON_Parse(line), *made = cJSON_GetObjectItem(wanted, "client");
    if (made) {
      const char *field[] = {"url", "appKey", "appSecret", "ca"}, *value[4];
      for (int i = 0; i < 4; i++) value[i] = cJSON_GetStringValue(cJSON_GetObjectItem(made, field[i]));
      dingtalk_free(client);
      const cJSON *limit = cJSON_GetObjectItem(made, "timeout");
      client = dingtalk_create(value[0], value[1], value[2], codes, value[3], limit ? limit->valuedouble : 10);
      print(cJSON_Parse(client ? "[{}]" : "[{\"failure\": \"there is no client for this URL\"}]"));
    } else {
      run(client, wanted);
    }
    cJSON_Delete(wanted);
  }
  dingtalk_free(client);
  cJSON_Delete(codes);
  free(text), free(line);
  apiClient_unsetupGlobalEnv();
  return EXIT_SUCCESS;
}
