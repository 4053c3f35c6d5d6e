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
static const double MAX_WAIT = 60; // seconds; whoever is to wait longer gives up
static const double RENEW = 600;   // seconds before a token's end, or a fifth of its time
static const double PAUSE = 30;    // seconds until a renewal that failed is tried again
static const double DAY = 86400, UNKNOWN = 5; // seconds that a token is kept: at most, and without a usable lifetime
static const char PRIVATE[] = "^(https://[^/?#@]+|http://(localhost|127(\\.[0-9]+){3}|\\[::1])(:[0-9]+)?)(/|$)"; // requests carry secrets

struct dingtalk {
  char *url, *key, *secret, *token;
  const cJSON *codes;
  sslConfig_t *tls;
  double limit, renew_at, expires;
  pthread_mutex_t mutex;
  pthread_cond_t ended; // a token call
  bool fetching;
  long calls;             // of them that ended
  dingtalk_error failure; // of the last one; its status is 200 after a success
};

// What an error means.
typedef struct { bool retry, throttled, drops_token; double wait; } rule;

// Of the request of this thread. The generated client frees the body of an error before it returns, and keeps no headers. The body's
// copy is made as it arrives: the callback gets all that came so far.
static _Thread_local struct { char *body, *target; double limit; curl_off_t retry_after; bool whole_head; } mine;

static void keep_body(void **data, long *length) {
  free(mine.body);
  mine.body = strndup(*data, *length);
}

static size_t read_header(char *line, size_t size, size_t count, void *curl) {
  (void)line;
  mine.whole_head = size * count <= 2; // the empty line
  curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &mine.retry_after);
  return size * count;
}

static void set_up(CURL *curl) {
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(mine.limit * 1000));
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, read_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, curl);
  if (mine.target) curl_easy_setopt(curl, CURLOPT_REQUEST_TARGET, mine.target);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

dingtalk *dingtalk_create(const char *url, const char *app_key, const char *app_secret, const cJSON *codes, const char *ca, double limit) {
  regex_t private;
  regcomp(&private, PRIVATE, REG_EXTENDED | REG_NOSUB);
  bool refused = regexec(&private, url, 0, NULL, 0) != 0;
  regfree(&private);
  if (refused) return NULL;
  dingtalk *client = calloc(1, sizeof *client);
  *client = (dingtalk){.url = strdup(url), .key = strdup(app_key), .secret = strdup(app_secret), .codes = codes, .limit = limit};
  while (client->url[strlen(client->url) - 1] == '/') client->url[strlen(client->url) - 1] = '\0';
  if (ca) client->tls = sslConfig_create(NULL, NULL, ca, 0);
  pthread_mutex_init(&client->mutex, NULL);
  pthread_cond_init(&client->ended, NULL);
  return client;
}

void dingtalk_free(dingtalk *client) {
  if (!client) return;
  pthread_mutex_lock(&client->mutex);
  while (client->fetching) pthread_cond_wait(&client->ended, &client->mutex);
  pthread_mutex_unlock(&client->mutex);
  if (client->tls) sslConfig_free(client->tls);
  pthread_mutex_destroy(&client->mutex), pthread_cond_destroy(&client->ended);
  cJSON_Delete(client->failure.fields);
  free(client->url), free(client->key), free(client->secret), free(client->token), free(client);
}

void dingtalk_legacy(apiClient_t *api, const char *target) {
  const keyValuePair_t *key = api->apiKeys_accessToken->firstEntry->data;
  char *token = curl_easy_escape(NULL, key->value, 0), *path = strchr(strstr(api->basePath, "://") + 3, '/');
  free(mine.target);
  asprintf(&mine.target, "%s%s%caccess_token=%s", path ? path : "", target, strchr(target, '?') ? '&' : '?', token);
  curl_free(token);
  if (strncmp(api->basePath, "https://api.dingtalk.", 21) != 0) return;
  char *other;
  asprintf(&other, "https://o%s", api->basePath + strlen("https://"));
  free(api->basePath), api->basePath = other;
}

// read_error fills an error from the answer. It returns false if that is no JSON.
static bool read_error(dingtalk_error *error, long status) {
  const char *text = mine.body ? mine.body : "", *names[] = {"errcode", "sub_code", "code"};
  cJSON_Delete(error->fields);
  *error = (dingtalk_error){.status = status, .retry_after = mine.retry_after};
  error->fields = cJSON_ParseWithOpts(text + (strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0), NULL, true);
  for (int i = 0; i < 3; i++) { // each goes before those above it
    const cJSON *code = cJSON_GetObjectItem(error->fields, names[i]);
    if (i == 1 && strcmp(error->code, "88") != 0) continue; // the code that has a sub_code
    if (cJSON_IsNumber(code)) snprintf(error->code, sizeof error->code, "%.0f", code->valuedouble);
    if (cJSON_IsString(code) && *code->valuestring) snprintf(error->code, sizeof error->code, "%s", code->valuestring);
  }
  return error->fields || !*text;
}

// ask makes one request, and returns whether it was a success; otherwise error says why.
static bool ask(dingtalk *client, const char *token, dingtalk_send *send, void *argument, dingtalk_error *error) {
  apiClient_t *api = apiClient_create_with_base_path(client->url, client->tls, NULL, NULL);
  api->apiKeys_accessToken = list_createList(); // an empty token is not sent
  list_addElement(api->apiKeys_accessToken, keyValuePair_create(strdup("x-acs-dingtalk-access-token"), strdup(token)));
  api->data_callback_func = keep_body;
  api->curl_pre_invoke_func = set_up;
  free(mine.body), mine.body = NULL;
  mine.limit = client->limit, mine.retry_after = 0, mine.whole_head = false;
  send(api, argument);
  bool json = read_error(error, mine.whole_head ? api->response_code : 0);
  bool failed = cJSON_HasObjectItem(error->fields, "errcode") && strcmp(error->code, "0") != 0;
  free(mine.target), mine.target = NULL;
  apiClient_free(api);
  return json && error->status >= 200 && error->status < 300 && !failed;
}

static void get_token(apiClient_t *api, void *argument) {
  dingtalk *client = argument;
  get_access_token_request_t *request = get_access_token_request_create(strdup(client->key), strdup(client->secret));
  get_access_token_response_body_free(Oauth2API_getAccessToken(api, request));
  get_access_token_request_free(request);
}

static void *fetch(void *argument) {
  dingtalk *client = argument;
  dingtalk_error answer = {0};
  double begun = now();
  bool good = ask(client, "", get_token, client, &answer);
  const char *token = cJSON_GetStringValue(cJSON_GetObjectItem(answer.fields, "accessToken"));
  const cJSON *lifetime = cJSON_GetObjectItem(answer.fields, "expireIn");
  double lasts = cJSON_IsNumber(lifetime) ? lifetime->valuedouble : cJSON_IsString(lifetime) ? strtod(lifetime->valuestring, NULL) : 0;
  lasts = lasts >= 1 ? (lasts < DAY ? lasts : DAY) : UNKNOWN;
  good = good && token && *token && !strstr(mine.body, "\\u0000"); // where cJSON ends a text
  for (const char *c = token; good && *c; c++) good = *c >= '!' && *c <= '~';
  pthread_mutex_lock(&client->mutex);
  if (good) {
    free(client->token), client->token = strdup(token);
    client->expires = begun + lasts;
    client->renew_at = client->expires - (lasts / 5 < RENEW ? lasts / 5 : RENEW);
  }
  if (answer.status == 200) cJSON_Delete(answer.fields), answer.fields = NULL; // it holds the token
  cJSON_Delete(client->failure.fields);
  client->failure = answer;
  client->fetching = false, client->calls++;
  pthread_cond_broadcast(&client->ended);
  pthread_mutex_unlock(&client->mutex);
  free(mine.body), mine.body = NULL;
  return NULL;
}

// current_token returns what the caller frees, or NULL with an error. Whoever comes while one is fetched waits for it. Nobody waits for
// a renewal: the old one serves until its end.
static char *current_token(dingtalk *client, dingtalk_error *error) {
  pthread_mutex_lock(&client->mutex);
  double at = now();
  bool valid = at < client->expires;
  long calls = client->calls;
  if ((!valid || at >= client->renew_at) && !client->fetching) {
    pthread_t thread;
    client->fetching = pthread_create(&thread, NULL, fetch, client) == 0;
    if (client->fetching) pthread_detach(thread);
    client->renew_at = at + PAUSE;
  }
  while (!valid && client->fetching && client->calls == calls) pthread_cond_wait(&client->ended, &client->mutex);
  char *token = valid || now() < client->expires ? strdup(client->token) : NULL;
  if (!token) {
    cJSON_Delete(error->fields);
    *error = client->failure;
    error->fields = cJSON_Duplicate(client->failure.fields, true);
  }
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
  return (rule){cJSON_IsTrue(cJSON_GetObjectItem(found, "retry")), has(found, "kind", "throttled"), drops_token, cJSON_GetObjectItem(found, "waitSeconds")->valuedouble};
}

bool dingtalk_call(dingtalk *client, const char *operation, bool safe, dingtalk_send *send, void *argument, dingtalk_error *error) {
  char *rejected = NULL;
  bool done = false;
  *error = (dingtalk_error){0};
  for (int attempt = 1; !done; attempt++) {
    char *token = current_token(client, error);
    bool again = token && rejected && strcmp(token, rejected) == 0; // error is the one that rejected it
    if (token && !again) done = ask(client, token, send, argument, error);
    rule means = rule_for(client, token ? operation : "getAccessToken", error);
    bool processed = token && !means.throttled;
    double wait = means.wait > error->retry_after ? means.wait : error->retry_after;
    if (!done && token && !rejected && means.drops_token) {
      rejected = token;
      pthread_mutex_lock(&client->mutex);
      if (client->token && strcmp(client->token, token) == 0) client->expires = 0;
      pthread_mutex_unlock(&client->mutex);
      attempt--;
      continue;
    }
    free(token);
    if (done || again || !means.retry || (processed && !safe) || wait > MAX_WAIT || attempt == ATTEMPTS) break;
    wait += 0.3 * (1 << (attempt - 1)) * random() / RAND_MAX;
    nanosleep(&(struct timespec){(time_t)wait, (long)((wait - (time_t)wait) * 1e9)}, NULL);
  }
  free(rejected);
  free(mine.body), mine.body = NULL;
  return done;
}

struct conversion { char *path, *id; };

static void convert(apiClient_t *api, void *argument) {
  struct conversion *c = argument;
  chat_id_to_open_conversation_id_response_body_t *answer = ImAPI_chatIdToOpenConversationId(api, c->path);
  const char *id = answer ? answer->open_conversation_id : NULL;
  if (id && id[strspn(id, " ")]) c->id = strdup(id);
  chat_id_to_open_conversation_id_response_body_free(answer);
}

char *dingtalk_open_conversation_id(dingtalk *client, const char *chat_id, dingtalk_error *error) {
  *error = (dingtalk_error){0};
  const char *shown = chat_id + strspn(chat_id, " ");
  if (!*shown || strcmp(shown, ".") == 0 || strcmp(shown, "..") == 0) return NULL;
  struct conversion c = {.path = curl_easy_escape(NULL, chat_id, 0)}; // the generated client puts it into the path as it is
  dingtalk_call(client, "chatIdToOpenConversationId", true, convert, &c, error);
  curl_free(c.path);
  return c.id;
}
