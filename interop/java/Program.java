import com.example.dingtalk.ApiException;
import com.example.dingtalk.api.RobotApi;
import com.example.dingtalk.model.OrgGroupSendRequest;
import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** The Java program of the interop table: it reads what to do, one JSON object a line, and prints what came of it. */
public final class Program {
    private record Line(Made client, List<String> convert, List<String> send) {
        Line {
            convert = convert == null ? List.of() : convert;
            send = send == null ? List.of() : send;
        }
    }

    private record Made(String url, String appKey, String appSecret, String ca) {}

    private static DingTalk client;

    public static void main(String[] args) throws Exception {
        Gson gson = new Gson();
        List<DingTalk.Code> codes = List.of(gson.fromJson(Files.readString(Path.of(args[0])), DingTalk.Code[].class));
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String text; (text = input.readLine()) != null; ) {
            Line line = gson.fromJson(text, Line.class);
            List<Callable<String>> calls = new ArrayList<>();
            if (line.client != null) calls.add(() -> make(line.client, codes));
            line.convert.forEach(chat -> calls.add(() -> client.openConversationId(chat)));
            line.send.forEach(to -> calls.add(() -> send(to)));
            System.out.println(gson.toJson(calls.parallelStream().map(Program::outcome).toList()));
        }
        // The HTTP client's idle threads would keep the process alive for a while.
        System.exit(0);
    }

    private static String make(Made made, List<DingTalk.Code> codes) throws Exception {
        try (FileInputStream ca = made.ca == null ? null : new FileInputStream(made.ca)) {
            client = new DingTalk(made.url, made.appKey, made.appSecret, codes, ca);
        }
        return "";
    }

    private static String send(String to) throws Exception {
        var message = new OrgGroupSendRequest().openConversationId(to).robotCode("robot").msgKey("sampleText").msgParam("{}");
        return client.call("orgGroupSend", false, api -> new RobotApi(api).orgGroupSend(message).getProcessQueryKey());
    }

    private static Map<String, Object> outcome(Callable<String> call) {
        Map<String, Object> report = new LinkedHashMap<>();
        try {
            report.put("id", call.call());
        } catch (ApiException e) {
            var fields = DingTalk.fields(e);
            report.put("status", e.getCode());
            report.put("code", fields.get("code"));
            report.put("message", fields.get("message"));
            report.put("requestId", fields.get("requestid"));
            if (fields.get("accessdenieddetail") instanceof JsonObject detail) report.put("requiredScopes", detail.get("requiredScopes"));
            report.put("failure", e.toString());
        } catch (Exception e) {
            report.put("failure", e.toString());
        }
        return report;
    }
}
