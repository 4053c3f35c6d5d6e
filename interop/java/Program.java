import com.google.gson.Gson;
import java.util.LinkedHashMap;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.ImApi;
import org.openapitools.client.api.Oauth2Api;
import org.openapitools.client.model.ApiError;
import org.openapitools.client.model.GetAccessTokenRequest;
import org.openapitools.client.model.GetAccessTokenResponseBody;

/** The Java program of the interop table, on the client that openapi-generator makes. */
public final class Program {
    public static void main(String[] args) {
        Map<String, Object> report = new LinkedHashMap<>();
        ApiClient client = new ApiClient().setBasePath(args[1]);
        try {
            if (args[0].equals("token")) {
                GetAccessTokenResponseBody answer = new Oauth2Api(client)
                    .getAccessToken(new GetAccessTokenRequest().appKey(args[2]).appSecret(args[3]));
                report.put("accessToken", answer.getAccessToken());
                report.put("expireIn", answer.getExpireIn());
            } else {
                client.setApiKey(args[2]);
                report.put("id", new ImApi(client).chatIdToOpenConversationId(args[3]).getOpenConversationId());
            }
        } catch (ApiException e) {
            describe(e, report);
        } catch (RuntimeException e) {
            report.put("failure", e.toString());
        }
        System.out.println(new Gson().toJson(report));
        // The HTTP client's idle threads would keep the process alive for a while.
        System.exit(0);
    }

    /** The exception holds the status and the body; the body is read with the generated model. */
    private static void describe(ApiException e, Map<String, Object> report) {
        if (e.getCode() == 0) {
            report.put("failure", e.toString());
            return;
        }
        report.put("status", e.getCode());
        try {
            ApiError error = ApiError.fromJson(e.getResponseBody());
            report.put("code", error.getCode());
            report.put("message", error.getMessage());
            report.put("requestId", error.getRequestid());
            if (error.getAccessdenieddetail() != null) {
                report.put("requiredScopes", error.getAccessdenieddetail().getRequiredScopes());
            }
        } catch (Exception notAnApiError) {
            report.put("failure", notAnApiError.toString());
        }
    }
}
