import com.example.dingtalk.ApiClient;
import com.example.dingtalk.ApiException;
import com.example.dingtalk.api.ImApi;
import com.example.dingtalk.api.Oauth2Api;
import com.example.dingtalk.auth.ApiKeyAuth;
import com.example.dingtalk.model.GetAccessTokenRequest;
import com.google.gson.*;
import java.io.InputStream;
import java.time.*;
import java.time.format.DateTimeFormatter;
import java.util.*;
import java.util.concurrent.ThreadLocalRandom;
import okhttp3.OkHttpClient;

/**
 * A client for DingTalk on the generated one: one token for all threads, and repeats where the contract allows them. An error's
 * getCode() is the HTTP status, 0 without an answer; what DingTalk says is in {@link #fields}.
 */
public final class DingTalk {
    private static final int ATTEMPTS = 3;
    private static final double MAX_WAIT = 60; // seconds; whoever is to wait longer gives up
    private static final Duration RENEW = Duration.ofMinutes(10); // before a token's end, or a fifth of its time
    private static final Duration PAUSE = Duration.ofSeconds(30); // until a renewal that failed is tried again
    private static final String PRIVATE = "https://.+|http://(localhost|127(\\.\\d+){3}|\\[::1])(:\\d+)?(/.*)?"; // requests carry secrets

    /** A row of codes.json, or what stands in for one. */
    public record Code(String code, List<String> aliases, List<String> operations, String kind, boolean retry, int waitSeconds, String token) {}

    /** A call of the generated client, which has the token. */
    public interface Call {
        String send(ApiClient api) throws ApiException;
    }

    private final String url;
    private final OkHttpClient http;
    private final GetAccessTokenRequest credentials;
    private final Map<String, Code> codes = new TreeMap<>(String.CASE_INSENSITIVE_ORDER); // by operation, a space and code
    private String token;
    private Instant renewAt = Instant.MIN, expires = Instant.MIN;

    /** codes are the rows of codes.json; ca has the certificates to trust instead of the machine's, or is null. */
    public DingTalk(String url, String appKey, String appSecret, List<Code> rows, InputStream ca) {
        if (!url.matches(PRIVATE)) throw new IllegalArgumentException(url + " is not https");
        this.url = url;
        credentials = new GetAccessTokenRequest().appKey(appKey).appSecret(appSecret);
        for (Code row : rows) {
            for (String operation : row.operations == null ? List.of("") : row.operations) {
                codes.put(operation + " " + row.code, row);
                if (row.aliases != null) row.aliases.forEach(alias -> codes.put(operation + " " + alias, row));
            }
        }
        // The token would go along with a redirect; what is repeated is decided here.
        http = new ApiClient().setSslCaCert(ca).getHttpClient().newBuilder().followRedirects(false)
            .retryOnConnectionFailure(false).callTimeout(Duration.ofSeconds(10)).build();
    }

    public String openConversationId(String chatId) throws ApiException, InterruptedException {
        if (List.of("", ".", "..").contains(chatId)) throw new IllegalArgumentException("not a chat id");
        return call("chatIdToOpenConversationId", true, api -> new ImApi(api).chatIdToOpenConversationId(chatId).getOpenConversationId());
    }

    /** Returns what the call does. safe: a repeat does no harm although the service may have processed it; x-repeat in the contract. */
    public String call(String operation, boolean safe, Call call) throws ApiException, InterruptedException {
        String rejected = null;
        ApiException error = null;
        for (int attempt = 1; ; attempt++) {
            String sent = null;
            try {
                sent = currentToken();
                if (sent.equals(rejected)) throw error;
                String result = call.send(client(sent));
                if (!result.isEmpty()) return result;
                error = new ApiException(200, "an answer without a result");
            } catch (ApiException e) {
                error = e;
            } catch (RuntimeException e) { // a success that lacks what it must have
                error = new ApiException(e.toString(), e, 200, null);
            }
            Code row = row(sent == null ? "getAccessToken" : operation, error);
            if (sent != null && rejected == null && List.of("drop", "fetch").contains(row.token)) {
                rejected = sent;
                synchronized (this) {
                    if (sent.equals(token)) renewAt = expires = Instant.MIN;
                }
                attempt--;
                continue;
            }
            boolean processed = sent != null && !row.kind.equals("throttled");
            double wait = Math.max(row.waitSeconds, retryAfter(error));
            if (!row.retry || processed && !safe || wait > MAX_WAIT || attempt == ATTEMPTS) throw error;
            Thread.sleep((long) (1000 * (wait + ThreadLocalRandom.current().nextDouble(0.3 * (1 << attempt - 1)))));
        }
    }

    /** What to do by the code: the operation's own row, the common one, or one that the status makes. */
    private Code row(String operation, ApiException error) {
        String code = fields(error).get("code") instanceof JsonPrimitive text ? text.getAsString() : "";
        int status = error.getCode();
        boolean throttled = status == 429, retry = throttled || status == 0 || status >= 500;
        Code byStatus = new Code("", null, null, throttled ? "throttled" : "", retry, 0, status == 401 ? "drop" : "keep");
        return codes.getOrDefault(operation + " " + code, codes.getOrDefault(" " + code, byStatus));
    }

    /** The fields of an error's body, whatever their case, since some answers spell Code, Message. It has none if it is HTML. */
    public static Map<String, JsonElement> fields(ApiException error) {
        var fields = new TreeMap<String, JsonElement>(String.CASE_INSENSITIVE_ORDER);
        try {
            fields.putAll(JsonParser.parseString(error.getResponseBody()).getAsJsonObject().asMap());
        } catch (RuntimeException noObject) {
            fields.clear();
        }
        return fields;
    }

    private static double retryAfter(ApiException error) {
        try {
            String value = error.getResponseHeaders().get("Retry-After").get(0);
            return value.matches("\\d+") ? Double.parseDouble(value)
                : Duration.between(Instant.now(), DateTimeFormatter.RFC_1123_DATE_TIME.parse(value, Instant::from)).toMillis() / 1e3;
        } catch (NullPointerException | DateTimeException none) {
            return 0;
        }
    }

    private ApiClient client(String token) {
        ApiClient api = new ApiClient(http).setBasePath(url);
        // ApiClient.setApiKey would set whichever key it finds first, and the contract has two.
        ((ApiKeyAuth) api.getAuthentication("accessToken")).setApiKey(token);
        return api;
    }

    /** Whoever waits here finds the token that the first one fetched. */
    private synchronized String currentToken() throws ApiException {
        if (Instant.now().isBefore(renewAt)) return token;
        try {
            var answer = new Oauth2Api(client(null)).getAccessToken(credentials);
            Duration lasts = Duration.ofSeconds(answer.getExpireIn());
            token = answer.getAccessToken();
            expires = Instant.now().plus(lasts);
            renewAt = expires.minus(Collections.min(List.of(RENEW, lasts.dividedBy(5))));
        } catch (ApiException | RuntimeException e) { // the old token serves until its end
            if (!Instant.now().isBefore(expires)) throw e;
            renewAt = Collections.min(List.of(expires, Instant.now().plus(PAUSE)));
        }
        return token;
    }
}
