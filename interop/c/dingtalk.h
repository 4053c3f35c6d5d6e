// A client for DingTalk on the generated one: one token for all threads, and repeats where the contract allows them.
#ifndef DINGTALK_H
#define DINGTALK_H

#include <stdbool.h>

#include "external/cJSON.h"
#include "include/apiClient.h"

typedef struct dingtalk dingtalk;

// Why there is no result. status is 0 without an answer; code is empty if the answer was no error of DingTalk's.
typedef struct {
  long status;
  char code[128];
  double retry_after; // seconds
  cJSON *fields; // of the answer, or NULL; to be freed with cJSON_Delete. cJSON_GetObjectItem looks them up in any case.
} dingtalk_error;

// A call of the generated client. It returns what the caller frees, or NULL; see dingtalk_text.
typedef char *dingtalk_send(apiClient_t *api, void *argument);

// dingtalk_create: codes are the rows of codes.json, and stay the caller's; ca is a file of certificates to trust instead of the
// machine's, or NULL. It returns NULL if the URL is not https. Call apiClient_setupGlobalEnv before.
dingtalk *dingtalk_create(const char *url, const char *app_key, const char *app_secret, const cJSON *codes, const char *ca);
void dingtalk_free(dingtalk *client);

// dingtalk_open_conversation_id returns what the caller frees, or NULL with an error.
char *dingtalk_open_conversation_id(dingtalk *client, const char *chat_id, dingtalk_error *error);

// dingtalk_call: safe says that a repeat does no harm although the service may have processed the request: x-repeat in the
// contract.
char *dingtalk_call(dingtalk *client, const char *operation, bool safe, dingtalk_send *send, void *argument, dingtalk_error *error);

// dingtalk_text copies a text of an answer; it is NULL for an empty one.
char *dingtalk_text(const char *text);

#endif
