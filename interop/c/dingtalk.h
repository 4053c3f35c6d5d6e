// A client for DingTalk on the generated one: one token for all threads, one request on the wire for each attempt, and repeats
// where the contract allows them.
#ifndef DINGTALK_H
#define DINGTALK_H

#include <stdbool.h>

#include "external/cJSON.h"
#include "include/apiClient.h"

typedef struct dingtalk dingtalk;

// Why there is no result. status is 0 without a whole answer; code is empty if that was no error of DingTalk's.
typedef struct {
  long status;
  char code[128];
  double retry_after; // seconds
  cJSON *fields; // of the answer, or NULL; to be freed with cJSON_Delete. cJSON_GetObjectItem looks them up in any case.
} dingtalk_error;

// Calls a method of the generated client, and leaves what it returns in argument. Whether that was a success is for the client
// to find out: a result may be empty.
typedef void dingtalk_send(apiClient_t *api, void *argument);

// dingtalk_create: codes are the rows of codes.json, and stay the caller's; ca is a file of certificates to trust instead of the
// machine's, or NULL; limit is how many seconds a request may take, up to the last byte of its answer. It returns NULL if the URL is
// not https. Call apiClient_setupGlobalEnv before. dingtalk_free waits for a token call under way.
dingtalk *dingtalk_create(const char *url, const char *app_key, const char *app_secret, const cJSON *codes, const char *ca, double limit);
void dingtalk_free(dingtalk *client);

// dingtalk_open_conversation_id returns what the caller frees, or NULL with an error.
char *dingtalk_open_conversation_id(dingtalk *client, const char *chat_id, dingtalk_error *error);

// dingtalk_call returns whether send was answered with a success. safe: a repeat does no harm although the service may have processed
// the request; x-repeat in the contract.
bool dingtalk_call(dingtalk *client, const char *operation, bool safe, dingtalk_send *send, void *argument, dingtalk_error *error);

// dingtalk_legacy goes before a method of the legacy API in send: that has a host of its own, and takes the token in the URL, which
// the generated client cannot do. target is the path with its query, whose values curl_easy_escape encodes.
void dingtalk_legacy(apiClient_t *api, const char *target);

#endif
