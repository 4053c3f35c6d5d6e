#include "dingtalk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "api/ImAPI.h"
#include "api/Oauth2API.h"

enum { ATTEMPTS = 3, LIMIT = 10 };
static const double RENEW = 600; // seconds before a token's end, or a fifth of its time

struct dingtalk {
  char *url, *key, *secret, *token;
  const cJSON *codes;
  sslConfig_t *tls;
  pthread_mutex_t mutex;
  double renew_at;
};

// The generated client frees the body of an error before it returns. This copy is made as the body arrives: the callback gets
// all that came so far.
static _Thread_local char *body;

static void keep_body(void **data, long *length) {
  free(body);
  body = strndup(*data, *length);
}

static void set_limit(CURL *curl) { curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)LIMIT); }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void pause_for(double seconds) {
  struct timespec t = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
  nanosleep(&t, NULL);
}

dingtalk *dingtalk_create(const char *url, const char *app_key, const char *app_secret, const cJSON *codes, const char *ca) {
  dingtalk *client = calloc(1, sizeof *client);
  client->url = strdup(url), client->key = strdup(app_key), client->secret = strdup(app_secret);
  client->codes = codes;
  if (ca) client->tls = sslConfig_create(NULL, NULL, ca, 0);
  pthread_mutex_init(&client->mutex, NULL);
  return client;
}

void dingtalk_free(dingtalk *client) {
  if (!client) return;
  if (client->tls) sslConfig_free(client->tls);
  pthread_mutex_destroy(&client->mutex);
  free(client->url), free(client->key), free(client->secret), free(client->token), free(client);
}

// api makes a generated client for one request.
static apiClient_t *api(dingtalk *client, char *token) {
  list_t *keys = list_createList();
  if (token) list_addElement(keys, keyValuePair_create("x-acs-dingtalk-access-token", token));
  apiClient_t *made = apiClient_create_with_base_path(client->url, client->tls, keys, NULL);
  if (token) keyValuePair_free(list_getElementAt(keys, 0)->data); // it has been copied
  list_freeList(keys);
  made->data_callback_func = keep_body;
  made->curl_pre_invoke_func = set_limit;
  free(body), body = NULL;
  return made;
}

// current_token returns what the caller frees. Whoever waits for the mutex finds the token that the first one fetched.
static char *current_token(dingtalk *client, long *status) {
  pthread_mutex_lock(&client->mutex);
  if (!client->token || now() >= client->renew_at) {
    apiClient_t *made = api(client, NULL);
    get_access_token_request_t *request = get_access_token_request_create(strdup(client->key), strdup(client->secret));
    get_access_token_response_body_t *answer = Oauth2API_getAccessToken(made, request);
    *status = made->response_code;
    free(client->token), client->token = NULL;
    if (answer && answer->access_token && answer->expire_in) {
      double lasts = *answer->expire_in, early = lasts / 5 < RENEW ? lasts / 5 : RENEW;
      client->token = strdup(answer->access_token);
      client->renew_at = now() + lasts - early;
    }
    get_access_token_response_body_free(answer);
    get_access_token_request_free(request);
    apiClient_free(made);
  }
  char *token = client->token ? strdup(client->token) : NULL;
  pthread_mutex_unlock(&client->mutex);
  return token;
}

static void forget(dingtalk *client, const char *token) {
  pthread_mutex_lock(&client->mutex);
  if (client->token && strcmp(client->token, token) == 0) free(client->token), client->token = NULL;
  pthread_mutex_unlock(&client->mutex);
}

static bool is(const cJSON *row, const char *field, const char *text) {
  const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(row, field));
  return value && strcasecmp(value, text) == 0;
}

// row_of finds an error's row by its code or an alias.
static const cJSON *row_of(const dingtalk *client, const char *code) {
  const cJSON *row, *alias;
  cJSON_ArrayForEach(row, client->codes) {
    if (is(row, "code", code)) return row;
    cJSON_ArrayForEach(alias, cJSON_GetObjectItem(row, "aliases")) if (strcasecmp(alias->valuestring, code) == 0) return row;
  }
  return NULL;
}

static void read_error(dingtalk_error *error, long status) {
  cJSON_Delete(error->fields);
  *error = (dingtalk_error){.status = status, .fields = body ? cJSON_Parse(body) : NULL};
  const char *code = cJSON_GetStringValue(cJSON_GetObjectItem(error->fields, "code"));
  if (code) strncpy(error->code, code, sizeof error->code - 1);
}

char *dingtalk_call(dingtalk *client, bool safe, dingtalk_send *send, void *argument, dingtalk_error *error) {
  char *rejected = NULL, *result = NULL;
  *error = (dingtalk_error){0};
  for (int attempt = 1; !result; attempt++) {
    long status = 0;
    char *token = current_token(client, &status);
    if (token && rejected && strcmp(token, rejected) == 0) { // error is the one that rejected it
      free(token);
      break;
    }
    if (token) {
      apiClient_t *made = api(client, token);
      result = send(made, argument);
      status = made->response_code;
      apiClient_free(made);
      if (result && *result) {
        free(token);
        break;
      }
      free(result), result = NULL;
    }
    read_error(error, status);
    const cJSON *row = row_of(client, error->code);
    if (token && !rejected && (is(row, "token", "drop") || is(row, "token", "fetch"))) {
      forget(client, rejected = token);
      attempt--;
      continue;
    }
    bool sent = token != NULL, refused = status == 429 || is(row, "kind", "throttled");
    bool repeat = row ? cJSON_IsTrue(cJSON_GetObjectItem(row, "retry")) : status == 0 || status == 429 || status >= 500;
    free(token);
    if (!repeat || attempt == ATTEMPTS || !(safe || refused || !sent)) break;
    double wait = row ? cJSON_GetObjectItem(row, "waitSeconds")->valuedouble : 0;
    double backoff = 0.3 * (1 << attempt) * random() / RAND_MAX;
    pause_for(wait > backoff ? wait : backoff);
  }
  free(rejected), free(body), body = NULL;
  return result;
}

static char *convert(apiClient_t *api, void *path) {
  chat_id_to_open_conversation_id_response_body_t *answer = ImAPI_chatIdToOpenConversationId(api, path);
  char *id = answer && answer->open_conversation_id ? strdup(answer->open_conversation_id) : NULL;
  chat_id_to_open_conversation_id_response_body_free(answer);
  return id;
}

char *dingtalk_open_conversation_id(dingtalk *client, const char *chat_id, dingtalk_error *error) {
  *error = (dingtalk_error){0};
  if (strcmp(chat_id, "") == 0 || strcmp(chat_id, ".") == 0 || strcmp(chat_id, "..") == 0) return NULL;
  char *path = curl_easy_escape(NULL, chat_id, 0); // the generated client puts it into the path as it is
  char *id = dingtalk_call(client, true, convert, path, error);
  curl_free(path);
  return id;
}
