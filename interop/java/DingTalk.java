import com.example.dingtalk.ApiClient;
import com.example.dingtalk.ApiException;
import com.example.dingtalk.api.ImApi;
import com.example.dingtalk.api.Oauth2Api;
import com.example.dingtalk.auth.ApiKeyAuth;
import com.example.dingtalk.model.GetAccessTokenRequest;
import com.example.dingtalk.model.GetAccessTokenResponseBody;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import okhttp3.OkHttpClient;

/** A client for DingTalk on the generated one: one token for all threads, and repeats where the contract allows them. */
public final class DingTalk {
    private static final int ATTEMPTS = 3;
    private static final double RENEW = 600; // seconds before a token's end

    /** A row of codes.json. */
    public static final class Code {
        String code, kind, token;
        List<String> aliases = List.of();
        boolean retry;
        int waitSeconds;
    }

    /** A call of the generated client, which has the token. */
    public interface Call {
        String send(ApiClient client) throws ApiException;
    }

    /** Why there is no result. status is 0 without an answer; code is empty if the answer was no error of DingTalk's. */
    public static final class Failure extends Exception {
        public final int status;
        public final String code, requestId;
        public final JsonElement requiredScopes;

        Failure(String text, int status, JsonObject fields, Throwable cause) {
            super(fields.has("message") ? fields.get("message").getAsString() : text, cause);
            this.status = status;
            code = fields.has("code") ? fields.get("code").getAsString() : "";
            requestId = fields.has("requestid") ? fields.get("requestid").getAsString() : null;
            requiredScopes = lower(fields.get("accessdenieddetail")).get("requiredscopes");
        }
    }

    private final String url;
    private final OkHttpClient http;
    private final GetAccessTokenRequest credentials;
    private final Map<String, Code> codes = new HashMap<>();
    private String token;
    private long renewAt; // by System.nanoTime()

    /** codes are the rows of codes.json; ca has the certificates to trust instead of the machine's, or is null. */
    public DingTalk(String url, String appKey, String appSecret, List<Code> rows, InputStream ca) {
        this.url = url;
        credentials = new GetAccessTokenRequest().appKey(appKey).appSecret(appSecret);
        for (Code row : rows) {
            codes.put(row.code.toLowerCase(Locale.ROOT), row);
            row.aliases.forEach(alias -> codes.put(alias.toLowerCase(Locale.ROOT), row));
        }
        // The token would go along with a redirect; what is repeated is decided here.
        http = new ApiClient().setSslCaCert(ca).getHttpClient().newBuilder().followRedirects(false)
            .retryOnConnectionFailure(false).callTimeout(10, TimeUnit.SECONDS).build();
    }

    public String openConversationId(String chatId) throws Failure, InterruptedException {
        if (chatId.isEmpty() || chatId.equals(".") || chatId.equals("..")) throw new IllegalArgumentException("not a chat id");
        return call(true, client -> new ImApi(client).chatIdToOpenConversationId(chatId).getOpenConversationId());
    }

    /** Returns what the call does. safe: a repeat does no harm although the service may have processed it; x-repeat in the contract. */
    public String call(boolean safe, Call call) throws Failure, InterruptedException {
        String rejected = null;
        Failure failure = null;
        for (int attempt = 1; ; attempt++) {
            String sent = null;
            try {
                String current = currentToken();
                if (current.equals(rejected)) throw failure;
                sent = current;
                String result = call.send(client(sent));
                if (result == null || result.isEmpty()) throw new ApiException(200, "an answer without a result");
                return result;
            } catch (ApiException e) {
                failure = new Failure(e.toString(), e.getCode(), lower(parse(e.getResponseBody())), e);
            } catch (RuntimeException e) { // a success that lacks what it must have
                failure = new Failure(e.toString(), 200, new JsonObject(), e);
            }
            Code row = codes.get(failure.code.toLowerCase(Locale.ROOT));
            if (sent != null && rejected == null && row != null && (row.token.equals("drop") || row.token.equals("fetch"))) {
                rejected = sent;
                forget(sent);
                attempt--;
                continue;
            }
            boolean repeat = row != null ? row.retry : failure.status == 0 || failure.status == 429 || failure.status >= 500;
            boolean refused = failure.status == 429 || row != null && row.kind.equals("throttled");
            if (!repeat || attempt == ATTEMPTS || !(safe || refused || sent == null)) throw failure;
            double backoff = ThreadLocalRandom.current().nextDouble(0.3 * (1 << attempt));
            Thread.sleep((long) (1000 * Math.max(row != null ? row.waitSeconds : 0, backoff)));
        }
    }

    private ApiClient client(String token) {
        ApiClient client = new ApiClient(http).setBasePath(url);
        // ApiClient.setApiKey would set whichever key it finds first, and the contract has two.
        if (token != null) ((ApiKeyAuth) client.getAuthentication("accessToken")).setApiKey(token);
        return client;
    }

    /** Whoever waits here finds the token that the first one fetched. */
    private synchronized String currentToken() throws ApiException {
        if (token == null || System.nanoTime() - renewAt >= 0) {
            GetAccessTokenResponseBody answer = new Oauth2Api(client(null)).getAccessToken(credentials);
            double lasts = answer.getExpireIn();
            renewAt = System.nanoTime() + (long) (1e9 * (lasts - Math.min(RENEW, lasts / 5)));
            token = answer.getAccessToken();
        }
        return token;
    }

    private synchronized void forget(String rejected) {
        if (rejected.equals(token)) token = null;
    }

    private static JsonElement parse(String body) {
        try {
            return body == null ? null : JsonParser.parseString(body);
        } catch (RuntimeException notJson) {
            return null;
        }
    }

    /** Some answers spell Code, Message. */
    private static JsonObject lower(JsonElement fields) {
        JsonObject result = new JsonObject();
        if (fields != null && fields.isJsonObject()) {
            fields.getAsJsonObject().entrySet().forEach(field -> result.add(field.getKey().toLowerCase(Locale.ROOT), field.getValue()));
        }
        return result;
    }
}
