package com.example.app;

import com.example.dingtalk.ApiClient;
import com.example.dingtalk.ApiException;
import com.example.dingtalk.api.ImApi;
import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.time.Duration;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.ResponseBody;

/** One token for all threads, one request on the wire for each attempt, and repeats where the contract allows them. */
public final class DingTalk {
    private static final int ATTEMPTS = 3;
    private static final long LARGEST = 1 << 24; // bytes of an answer
    private static final double MAX_WAIT = 60; // seconds; whoever is to wait longer gives up
    private static final long RENEW = 600; // seconds before a token's end, or a fifth of its time
    private static final long PAUSE = 30; // seconds until a renewal that failed is tried again
    private static final double DAY = 86400, UNKNOWN = 5; // seconds that a token is kept: at most, and without a usable lifetime
    private static final long BEGUN = System.nanoTime();
    private static final MediaType JSON = MediaType.get("application/json");
    private static final String KEPT = "X-Kept-Retry-After";
    private static final String PRIVATE = "https://[^/?#@]+(/.*)?|http://(localhost|127(\\.\\d+){3}|\\[::1])(:\\d+)?(/.*)?"; // requests carry secrets

    /** A row of codes.json, or what stands in for one. */
    public record Code(String code, List<String> aliases, List<String> operations, String kind, boolean retry, int waitSeconds, String token) {}

    /** Why there is no result. It is an IOException since OkHttp's interceptors throw no other. */
    public static final class DingTalkException extends IOException {
        /** The HTTP status; 0 without a whole answer. */
        public final int status;
        private final double retryAfter;
        private final transient Map<String, JsonElement> fields;

        DingTalkException(String reason, int status, String body, double retryAfter, Throwable cause) {
            super(reason, cause);
            this.status = status;
            this.retryAfter = retryAfter;
            fields = fieldsOf(body);
        }

        /** DingTalk's code, or that of the legacy API, whose 88 has a sub_code; empty if the answer was no error of DingTalk's. */
        public String code() {
            String general = text("errcode"), code = text("code");
            return !code.isEmpty() ? code : general.equals("88") && !text("sub_code").isEmpty() ? text("sub_code") : general;
        }

        /** A field of the answer, such as message and requestid; empty if it is neither text nor a number. */
        public String text(String field) {
            return fields.get(field) instanceof JsonPrimitive value && !value.isBoolean() ? value.getAsString() : "";
        }

        /** The permissions to grant in the developer console. */
        public List<String> requiredScopes() {
            return fields.get("accessdenieddetail") instanceof JsonObject detail && detail.get("requiredScopes") instanceof JsonArray scopes
                ? scopes.asList().stream().map(JsonElement::getAsString).toList() : List.of();
        }

        @Override
        public String getMessage() {
            return (super.getMessage() + " " + code() + " " + text("message") + text("errmsg")).strip();
        }
    }

    private record Attempt(String token, AtomicBoolean answered) {}

    private final String url;
    private final OkHttpClient http;
    private final Map<String, Code> codes = new TreeMap<>(String.CASE_INSENSITIVE_ORDER); // by operation, a space and code
    private final String credentials;
    private final ThreadLocal<Attempt> attempts = new ThreadLocal<>();
    private final Object lock = new Object();
    private CompletableFuture<String> fetching = CompletableFuture.completedFuture("");
    private String token = "";
    private double renewAt, expires; // by now()

    /** rows are those of codes.json. base may have a proxy, certificates to trust, interceptors and a callTimeout, 10 seconds if none. */
    public DingTalk(String url, String appKey, String appSecret, List<Code> rows, OkHttpClient base) {
        if (!url.matches(PRIVATE)) throw new IllegalArgumentException(url.replaceFirst(".*@", "") + " is not https");
        this.url = url.replaceFirst("/+$", "");
        credentials = new Gson().toJson(Map.of("appKey", appKey, "appSecret", appSecret));
        for (Code row : rows) {
            for (String operation : row.operations == null ? List.of("") : row.operations) {
                codes.put(operation + " " + row.code, row);
                if (row.aliases != null) row.aliases.forEach(alias -> codes.put(operation + " " + alias, row));
            }
        }
        // The token would go along with a redirect; what is repeated is decided here. OkHttp repeats a 503 whose Retry-After is 0.
        http = base.newBuilder().followRedirects(false).followSslRedirects(false).retryOnConnectionFailure(false)
            .callTimeout(base.callTimeoutMillis() == 0 ? Duration.ofSeconds(10) : Duration.ofMillis(base.callTimeoutMillis()))
            .addInterceptor(this::wire).addNetworkInterceptor(chain -> {
                Response answer = chain.proceed(chain.request());
                return answer.newBuilder().removeHeader("Retry-After").header(KEPT, answer.header("Retry-After", "")).build();
            }).build();
    }

    /** For the ApiClient of any generated package, whose methods are to be called in {@link #call}. */
    public OkHttpClient http() {
        return http;
    }

    public String openConversationId(String chatId) throws DingTalkException, InterruptedException {
        if (List.of("", ".", "..").contains(chatId.strip())) throw new IllegalArgumentException("not a chat id");
        return call("chatIdToOpenConversationId", true, () -> {
            String id = new ImApi(new ApiClient(http)).chatIdToOpenConversationId(chatId).getOpenConversationId();
            if (id.isBlank()) throw new DingTalkException("the answer has no id", 200, "", 0, null);
            return id;
        });
    }

    /**
     * Returns what send returns, null included. It calls a generated method, in this thread, on {@link #http}. safe: a repeat does
     * no harm although the service may have processed it; x-repeat in the contract.
     */
    public <T> T call(String operation, boolean safe, Callable<T> send) throws DingTalkException, InterruptedException {
        String rejected = "";
        DingTalkException error = null;
        for (int attempt = 1; ; attempt++) {
            String sent = "";
            try {
                sent = currentToken();
                if (sent.equals(rejected)) throw error;
                return ask(sent, send);
            } catch (DingTalkException e) {
                error = e;
            }
            Code row = row(sent.isEmpty() ? "getAccessToken" : operation, error);
            if (!sent.isEmpty() && rejected.isEmpty() && List.of("drop", "fetch").contains(row.token)) {
                rejected = sent;
                synchronized (lock) {
                    if (sent.equals(token)) expires = 0;
                }
                attempt--;
                continue;
            }
            boolean processed = !sent.isEmpty() && !row.kind.equals("throttled");
            double wait = Math.max(row.waitSeconds, error.retryAfter);
            if (!row.retry || processed && !safe || wait > MAX_WAIT || attempt == ATTEMPTS) throw error;
            Thread.sleep((long) (1000 * (wait + ThreadLocalRandom.current().nextDouble(0.3 * (1 << attempt - 1)))));
        }
    }

    /** What to do by the code: the operation's own row, the common one, or one that the status makes. */
    private Code row(String operation, DingTalkException error) {
        int status = error.status;
        boolean throttled = status == 429, retry = throttled || status == 0 || status >= 500;
        Code byStatus = new Code("", null, null, throttled ? "throttled" : "", retry, 0, status == 401 ? "drop" : "keep");
        return codes.getOrDefault(operation + " " + error.code(), codes.getOrDefault(" " + error.code(), byStatus));
    }

    private <T> T ask(String sent, Callable<T> send) throws DingTalkException, InterruptedException {
        var attempt = new Attempt(sent, new AtomicBoolean());
        attempts.set(attempt);
        try {
            return send.call();
        } catch (Exception e) {
            if (e instanceof InterruptedException || Thread.interrupted()) throw new InterruptedException();
            // A generated client has an exception of its own around it.
            if ((e instanceof DingTalkException ? e : e.getCause()) instanceof DingTalkException ours) throw ours;
            if (attempt.answered.get() && (e instanceof JsonParseException || e instanceof IllegalArgumentException || e instanceof ApiException))
                throw new DingTalkException("the answer is not the contract's: " + e.getMessage(), 200, "", 0, e);
            throw e instanceof RuntimeException bug ? bug : new IllegalArgumentException(e); // of the caller
        } finally {
            attempts.remove();
        }
    }

    /** One request to the address of this client, whatever host the contract names, and the whole of a success. */
    private Response wire(Interceptor.Chain chain) throws IOException {
        Request request = chain.request();
        Attempt attempt = attempts.get(); // null for the token call
        String given = request.url().toString(), path = given.startsWith(url) ? given.substring(url.length()) : given.replaceFirst("^https?://[^/]*", "");
        Request.Builder to = request.newBuilder();
        if (path.matches("/v\\d.*")) {
            to.url(url + path);
            if (attempt != null) to.header("x-acs-dingtalk-access-token", attempt.token);
        } else { // the legacy API has a host of its own, and takes the token in the URL
            String host = url.replaceFirst("^https://api(?=\\.dingtalk\\.)", "https://oapi");
            to.url(HttpUrl.get(host + path).newBuilder().setQueryParameter("access_token", attempt.token).build());
        }
        int status;
        String body;
        double retryAfter;
        try (Response answer = chain.proceed(to.build()); ResponseBody peeked = answer.peekBody(LARGEST + 1)) {
            status = answer.code();
            retryAfter = retryAfter(answer.headers());
            if (peeked.contentLength() > LARGEST) throw new IOException("the answer is too long");
            body = peeked.string().replaceFirst("^\ufeff", "");
            String general = fieldsOf(body).getOrDefault("errcode", new JsonPrimitive(0)).toString();
            if (answer.isSuccessful() && List.of("0", "\"0\"").contains(general)) {
                if (attempt != null) attempt.answered.set(true);
                return answer.newBuilder().body(ResponseBody.create(body, JSON)).build();
            }
        } catch (IOException e) {
            throw new DingTalkException("no answer: " + e.getMessage(), 0, "", 0, e);
        }
        throw new DingTalkException("HTTP " + status, status, body, retryAfter, null);
    }

    /** The fields of a body, whatever their case, since some answers spell Code, Message. It has none if it is no JSON object. */
    private static Map<String, JsonElement> fieldsOf(String body) {
        var fields = new TreeMap<String, JsonElement>(String.CASE_INSENSITIVE_ORDER);
        try {
            if (JsonParser.parseString(body) instanceof JsonObject object) fields.putAll(object.asMap());
        } catch (JsonParseException noJson) {
            fields.clear();
        }
        return fields;
    }

    private static double retryAfter(Headers headers) {
        String value = headers.get(KEPT);
        Date date = headers.getDate(KEPT);
        return value.matches("\\d+") ? Double.parseDouble(value) : date == null ? 0 : (date.getTime() - System.currentTimeMillis()) / 1e3;
    }

    /** Whoever comes while one is fetched waits for it. Nobody waits for a renewal: the old one serves until its end. */
    private String currentToken() throws DingTalkException, InterruptedException {
        CompletableFuture<String> flight;
        synchronized (lock) {
            if (now() < Math.min(renewAt, expires)) return token;
            if (fetching.isDone()) {
                var started = fetching = new CompletableFuture<>();
                renewAt = now() + PAUSE;
                Thread fetch = new Thread(() -> fetch(started), "DingTalk token");
                fetch.setDaemon(true);
                fetch.start();
            }
            if (now() < expires) return token;
            flight = fetching;
        }
        try {
            return flight.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof DingTalkException ours ? ours : new DingTalkException("no token", 0, "", 0, e.getCause());
        }
    }

    private void fetch(CompletableFuture<String> flight) {
        double begun = now();
        var request = new Request.Builder().url(url + "/v1.0/oauth2/accessToken").post(RequestBody.create(credentials, JSON)).build();
        try (Response answer = http.newCall(request).execute()) {
            var fields = fieldsOf(answer.body().string());
            String fetched = fields.get("accessToken") instanceof JsonPrimitive text && text.isString() ? text.getAsString() : "";
            if (!fetched.matches("[!-~]+")) throw new DingTalkException("the token call's answer has no token", 200, "", 0, null);
            String expireIn = fields.get("expireIn") instanceof JsonPrimitive text ? text.getAsString() : "";
            double known = expireIn.matches("\\d{1,12}(\\.\\d+)?([eE]\\+?\\d)?\\d?") ? Double.parseDouble(expireIn) : 0;
            double lasts = known >= 1 ? Math.min(known, DAY) : UNKNOWN;
            synchronized (lock) {
                token = fetched;
                expires = begun + lasts;
                renewAt = expires - Math.min(RENEW, lasts / 5);
            }
            flight.complete(fetched);
        } catch (Exception e) {
            flight.completeExceptionally(e);
        }
    }

    private static double now() {
        return (System.nanoTime() - BEGUN) / 1e9 + 1; // seconds of a clock that nobody sets
    }
}
