#include "dingtalk.h"

#include <pthread.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "api/ImAPI.h"
#include "api/Oauth2API.h"

enum { ATTEMPTS = 3 };
static const long LIMIT = 10;      // seconds for a request
static const double MAX_WAIT = 60; // seconds; whoever is to wait longer gives up
static const double RENEW = 600;   // seconds before a token's end, or a fifth of its time
static const double PAUSE = 30;    // seconds until a renewal that failed is tried again
static const char PRIVATE[] = "^(https://|http://(localhost|127(\\.[0-9]+){3}|\\[::1])(:[0-9]+)?(/|$))"; // requests carry secrets

struct dingtalk {
  char *url, *key, *secret, *token;
  const cJSON *codes;
  sslConfig_t *tls;
  pthread_mutex_t mutex;
  double renew_at, expires;
};

// What an error means.
typedef struct { bool retry, throttled, drops_token; double wait; } rule;

// The generated client frees the body of an error before it returns, and keeps no headers. The body's copy is made as it arrives:
// the callback gets all that came so far.
static _Thread_local char *body;
static _Thread_local curl_off_t retry_after;

static void keep_body(void **data, long *length) {
  free(body);
  body = strndup(*data, *length);
}

static size_t read_header(char *line, size_t size, size_t count, void *curl) {
  (void)line;
  curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
  return size * count;
}

static void set_up(CURL *curl) {
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, LIMIT);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, read_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, curl);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

dingtalk *dingtalk_create(const char *url, const char *app_key, const char *app_secret, const cJSON *codes, const char *ca) {
  regex_t private;
  regcomp(&private, PRIVATE, REG_EXTENDED | REG_NOSUB);
  bool refused = regexec(&private, url, 0, NULL, 0) != 0;
  regfree(&private);
  if (refused) return NULL;
  dingtalk *client = calloc(1, sizeof *client);
  *client = (dingtalk){.url = strdup(url), .key = strdup(app_key), .secret = strdup(app_secret), .codes = codes};
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

// ask makes one request. It returns what the caller frees, or NULL with an error.
static char *ask(dingtalk *client, const char *token, dingtalk_send *send, void *argument, dingtalk_error *error) {
  apiClient_t *api = apiClient_create_with_base_path(client->url, client->tls, NULL, NULL);
  api->apiKeys_accessToken = list_createList(); // an empty token is not sent
  list_addElement(api->apiKeys_accessToken, keyValuePair_create(strdup("x-acs-dingtalk-access-token"), strdup(token)));
  api->data_callback_func = keep_body;
  api->curl_pre_invoke_func = set_up;
  retry_after = 0;
  char *result = send(api, argument);
  if (!result) {
    cJSON_Delete(error->fields);
    *error = (dingtalk_error){.status = api->response_code, .retry_after = retry_after, .fields = cJSON_Parse(body)};
    const char *code = cJSON_GetStringValue(cJSON_GetObjectItem(error->fields, "code"));
    strncpy(error->code, code ? code : "", sizeof error->code - 1);
  }
  apiClient_free(api);
  free(body), body = NULL;
  return result;
}

static char *fetch(apiClient_t *api, void *argument) {
  dingtalk *client = argument;
  get_access_token_request_t *request = get_access_token_request_create(strdup(client->key), strdup(client->secret));
  get_access_token_response_body_t *answer = Oauth2API_getAccessToken(api, request);
  char *token = answer && answer->expire_in ? dingtalk_text(answer->access_token) : NULL;
  if (token) {
    double lasts = *answer->expire_in;
    client->expires = now() + lasts;
    client->renew_at = client->expires - (lasts / 5 < RENEW ? lasts / 5 : RENEW);
  }
  get_access_token_response_body_free(answer);
  get_access_token_request_free(request);
  return token;
}

// current_token returns what the caller frees, or NULL with an error. Whoever waits finds the token that the first one fetched.
static char *current_token(dingtalk *client, dingtalk_error *error) {
  pthread_mutex_lock(&client->mutex);
  if (now() >= client->renew_at) {
    char *fetched = ask(client, "", fetch, client, error);
    if (fetched || now() >= client->expires) {
      free(client->token), client->token = fetched;
    } else { // the old one serves until its end
      client->renew_at = now() + PAUSE < client->expires ? now() + PAUSE : client->expires;
    }
  }
  char *token = client->token ? strdup(client->token) : NULL;
  pthread_mutex_unlock(&client->mutex);
  return token;
}

// has tells whether a field is a text, or a list with it, in any case.
static bool has(const cJSON *row, const char *field, const char *text) {
  const cJSON *value = cJSON_GetObjectItem(row, field), *one;
  if (cJSON_IsString(value)) return strcasecmp(value->valuestring, text) == 0;
  cJSON_ArrayForEach(one, value) if (strcasecmp(one->valuestring, text) == 0) return true;
  return false;
}

// rule_for goes by the code: the operation's own row, the common one, or what the status says.
static rule rule_for(const dingtalk *client, const char *operation, const dingtalk_error *error) {
  const cJSON *row, *found = NULL;
  cJSON_ArrayForEach(row, client->codes) {
    if (!has(row, "code", error->code) && !has(row, "aliases", error->code)) continue;
    if (has(row, "operations", operation) || (!found && !cJSON_HasObjectItem(row, "operations"))) found = row;
  }
  long status = error->status;
  if (!found) return (rule){status == 0 || status == 429 || status >= 500, status == 429, status == 401, 0};
  bool drops_token = has(found, "token", "drop") || has(found, "token", "fetch");
  double wait = cJSON_GetObjectItem(found, "waitSeconds")->valuedouble;
  return (rule){cJSON_IsTrue(cJSON_GetObjectItem(found, "retry")), has(found, "kind", "throttled"), drops_token, wait};
}

char *dingtalk_call(dingtalk *client, const char *operation, bool safe, dingtalk_send *send, void *argument, dingtalk_error *error) {
  char *rejected = NULL, *result = NULL;
  *error = (dingtalk_error){0};
  for (int attempt = 1; !result; attempt++) {
    char *token = current_token(client, error);
    bool again = token && rejected && strcmp(token, rejected) == 0; // error is the one that rejected it
    if (token && !again) result = ask(client, token, send, argument, error);
    rule means = rule_for(client, token ? operation : "getAccessToken", error);
    bool processed = token && !means.throttled;
    double wait = means.wait > error->retry_after ? means.wait : error->retry_after;
    if (!result && token && !rejected && means.drops_token) {
      rejected = token;
      pthread_mutex_lock(&client->mutex);
      if (client->token && strcmp(client->token, token) == 0) client->renew_at = client->expires = 0;
      pthread_mutex_unlock(&client->mutex);
      attempt--;
      continue;
    }
    free(token);
    if (result || again || !means.retry || (processed && !safe) || wait > MAX_WAIT || attempt == ATTEMPTS) break;
    wait += 0.3 * (1 << (attempt - 1)) * random() / RAND_MAX;
    nanosleep(&(struct timespec){(time_t)wait, (long)((wait - (time_t)wait) * 1e9)}, NULL);
  }
  free(rejected);
  return result;
}

char *dingtalk_text(const char *text) { return text && *text ? strdup(text) : NULL; }

static char *convert(apiClient_t *api, void *path) {
  chat_id_to_open_conversation_id_response_body_t *answer = ImAPI_chatIdToOpenConversationId(api, path);
  char *id = answer ? dingtalk_text(answer->open_conversation_id) : NULL;
  chat_id_to_open_conversation_id_response_body_free(answer);
  return id;
}

char *dingtalk_open_conversation_id(dingtalk *client, const char *chat_id, dingtalk_error *error) {
  *error = (dingtalk_error){0};
  if (strcmp(chat_id, "") == 0 || strcmp(chat_id, ".") == 0 || strcmp(chat_id, "..") == 0) return NULL;
  char *path = curl_easy_escape(NULL, chat_id, 0); // the generated client puts it into the path as it is
  char *id = dingtalk_call(client, "chatIdToOpenConversationId", true, convert, path, error);
  curl_free(path);
  return id;
}
