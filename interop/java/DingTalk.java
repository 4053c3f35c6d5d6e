package com.example.app;

import com.example.dingtalk.ApiClient;
import com.example.dingtalk.ApiException;
import com.example.dingtalk.api.ImApi;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import com.google.gson.ToNumberPolicy;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
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
    private static final Gson GSON = new GsonBuilder().setObjectToNumberStrategy(ToNumberPolicy.LAZILY_PARSED_NUMBER).create();
    private static final MediaType JSON = MediaType.get("application/json");
    private static final String KEPT = "X-Kept-Retry-After";
    private static final String PRIVATE = "https://[^/?#@]+(/.*)?|http://(localhost|127(\\.\\d+){3}|\\[::1])(:\\d+)?(/.*)?"; // requests carry secrets

    /** A row of codes.json, or what stands in for one. */
    public record Code(String code, List<String> aliases, List<String> operations, String kind, boolean retry, int waitSeconds, String token) {}

    /** Why there is no result. It is an IOException since OkHttp's interceptors throw no other. */
    public static final class DingTalkException extends IOException {
        /** The HTTP status; 0 without a whole answer. */
        public final int status;
        /** Of DingTalk's error; empty if the answer was none. The code 88 of the legacy API gives way to its sub_code. */
        public final String code, message, requestId;
        /** The permissions to grant in the developer console. */
        public final List<String> requiredScopes;
        private final double retryAfter;

        DingTalkException(String reason, int status, Map<String, Object> fields, double retryAfter, Throwable cause) {
            super((reason + " " + codeOf(fields) + " " + text(fields, "message", "errmsg")).strip(), cause);
            this.status = status;
            this.retryAfter = retryAfter;
            code = codeOf(fields);
            message = text(fields, "message", "errmsg");
            requestId = text(fields, "requestid");
            requiredScopes = fields.get("accessdenieddetail") instanceof Map<?, ?> detail && detail.get("requiredScopes") instanceof List<?> scopes
                ? scopes.stream().map(String::valueOf).toList() : List.of();
        }

        private static String codeOf(Map<String, Object> fields) {
            return text(fields, "code", text(fields, "errcode").equals("88") ? "sub_code" : "errcode", "errcode");
        }
    }

    private record Attempt(String token, boolean answered) {}

    private final String url, credentials;
    private final OkHttpClient http;
    private final Map<String, Code> codes = new TreeMap<>(String.CASE_INSENSITIVE_ORDER); // by operation, a space and code
    private final ThreadLocal<Attempt> attempts = new ThreadLocal<>();
    private FutureTask<String> fetching;
    private String token = "";
    private double renewAt, expires = Double.NEGATIVE_INFINITY; // by now()

    /** rows are those of codes.json. base may have a proxy, certificates to trust, interceptors and a callTimeout, 10 seconds if none. */
    public DingTalk(String url, String appKey, String appSecret, List<Code> rows, OkHttpClient base) {
        if (!url.matches(PRIVATE)) throw new IllegalArgumentException(url.replaceFirst(".*@", "") + " is not https");
        this.url = url.replaceFirst("/+$", "");
        credentials = GSON.toJson(Map.of("appKey", appKey, "appSecret", appSecret));
        for (Code row : rows)
            for (String operation : row.operations == null ? List.of("") : row.operations) {
                codes.put(operation + " " + row.code, row);
                if (row.aliases != null) row.aliases.forEach(alias -> codes.put(operation + " " + alias, row));
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
            if (id.isBlank()) throw new DingTalkException("the answer has no id", 200, Map.of(), 0, null);
            return id;
        });
    }

    /** Returns what send returns, null included. It calls a generated method, in this thread, on {@link #http}. safe: a repeat does
     * no harm although the service may have processed it; x-repeat in the contract. */
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
                synchronized (codes) {
                    if (sent.equals(token)) expires = Double.NEGATIVE_INFINITY;
                }
                attempt--;
                continue;
            }
            boolean processed = !sent.isEmpty() && !row.kind.equals("throttled");
            double wait = Math.max(row.waitSeconds, error.retryAfter);
            if (!row.retry || processed && !safe || wait > MAX_WAIT || attempt == ATTEMPTS) throw error;
            Thread.sleep((long) (1000 * (wait + 0.3 * (1 << attempt - 1) * Math.random())));
        }
    }

    /** What to do by the code: the operation's own row, the common one, or one that the status makes. */
    private Code row(String operation, DingTalkException error) {
        boolean throttled = error.status == 429, retry = throttled || error.status == 0 || error.status >= 500;
        Code byStatus = new Code("", null, null, throttled ? "throttled" : "", retry, 0, error.status == 401 ? "drop" : "keep");
        return codes.getOrDefault(operation + " " + error.code, codes.getOrDefault(" " + error.code, byStatus));
    }

    private <T> T ask(String sent, Callable<T> send) throws DingTalkException, InterruptedException {
        attempts.set(new Attempt(sent, false));
        try {
            return send.call();
        } catch (Exception e) {
            if (e instanceof InterruptedException || Thread.interrupted()) throw new InterruptedException();
            // A generated client has an exception of its own around it.
            if ((e instanceof DingTalkException ? e : e.getCause()) instanceof DingTalkException ours) throw ours;
            if (attempts.get().answered && (e instanceof JsonParseException || e instanceof IllegalArgumentException || e instanceof ApiException))
                throw new DingTalkException("the answer is not the contract's: " + e.getMessage(), 200, Map.of(), 0, e);
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
        try (Response answer = chain.proceed(to.build()); ResponseBody peeked = answer.peekBody(LARGEST + 1)) {
            if (peeked.contentLength() > LARGEST) throw new IOException("the answer is too long");
            String body = peeked.string().replaceFirst("^\ufeff", "");
            var fields = fieldsOf(body);
            if (!answer.isSuccessful() || fields.containsKey("errcode") && !text(fields, "errcode").equals("0"))
                throw new DingTalkException("HTTP " + answer.code(), answer.code(), fields, retryAfter(answer), null);
            if (attempt != null) attempts.set(new Attempt(attempt.token, true));
            return answer.newBuilder().body(ResponseBody.create(body, JSON)).build();
        } catch (IOException e) {
            throw e instanceof DingTalkException ours ? ours : new DingTalkException("no answer: " + e.getMessage(), 0, Map.of(), 0, e);
        }
    }

    /** The fields of a body, whatever their case, since some answers spell Code, Message. It has none if it is no JSON object. */
    private static Map<String, Object> fieldsOf(String body) {
        var fields = new TreeMap<String, Object>(String.CASE_INSENSITIVE_ORDER);
        try {
            if (GSON.fromJson(body, Object.class) instanceof Map<?, ?> object) object.forEach((name, field) -> fields.put(name.toString(), field));
        } catch (JsonParseException noJson) {
            fields.clear();
        }
        return fields;
    }

    /** The first of these fields that is a number, or a text that is not empty. */
    private static String text(Map<String, Object> fields, String... names) {
        for (String name : names) {
            Object field = fields.get(name);
            if ((field instanceof String || field instanceof Number) && !field.toString().isEmpty()) return field.toString();
        }
        return "";
    }

    private static double retryAfter(Response answer) {
        String value = answer.header(KEPT, "");
        var date = answer.headers().getDate(KEPT);
        return value.matches("\\d+") ? Double.parseDouble(value) : date == null ? 0 : (date.getTime() - System.currentTimeMillis()) / 1e3;
    }

    /** Whoever comes while one is fetched waits for it. Nobody waits for a renewal: the old one serves until its end. */
    private String currentToken() throws DingTalkException, InterruptedException {
        FutureTask<String> flight;
        synchronized (codes) {
            if (now() < Math.min(renewAt, expires)) return token;
            if (fetching == null || fetching.isDone()) {
                fetching = new FutureTask<>(this::fetch);
                renewAt = now() + PAUSE;
                Thread thread = new Thread(fetching, "DingTalk token");
                thread.setDaemon(true);
                thread.start();
            }
            if (now() < expires) return token;
            flight = fetching;
        }
        try {
            return flight.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof DingTalkException ours ? ours : new DingTalkException("no token", 0, Map.of(), 0, e.getCause());
        }
    }

    private String fetch() throws IOException {
        double begun = now();
        var request = new Request.Builder().url(url + "/v1.0/oauth2/accessToken").post(RequestBody.create(credentials, JSON)).build();
        try (Response answer = http.newCall(request).execute()) {
            var fields = fieldsOf(answer.body().string());
            String expireIn = text(fields, "expireIn");
            if (!(fields.get("accessToken") instanceof String fetched && fetched.matches("[!-~]+")))
                throw new DingTalkException("the token call's answer has no token", 200, Map.of(), 0, null);
            double known = expireIn.matches("\\d{1,12}(\\.\\d+)?([eE]\\+?\\d)?\\d?") ? Double.parseDouble(expireIn) : 0;
            double lasts = known >= 1 ? Math.min(known, DAY) : UNKNOWN;
            synchronized (codes) {
                expires = begun + lasts;
                renewAt = expires - Math.min(RENEW, lasts / 5);
                return token = fetched;
            }
        }
    }

    private static double now() {
        return System.nanoTime() / 1e9; // a clock that nobody sets
    }
}
