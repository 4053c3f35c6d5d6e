import com.example.dingtalk.api.RobotApi;
import com.example.dingtalk.model.OrgGroupSendRequest;
import com.google.gson.Gson;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The Java program of the interop table: it reads what to do, one JSON object a line, and prints what came of it. */
public final class Program {
    private static final class Line {
        Made client;
        List<String> convert = List.of(), send = List.of();
    }

    private static final class Made {
        String url, appKey, appSecret, ca;
    }

    public static void main(String[] args) throws Exception {
        Gson gson = new Gson();
        List<DingTalk.Code> codes = List.of(gson.fromJson(Files.readString(Path.of(args[0])), DingTalk.Code[].class));
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        DingTalk made = null;
        for (String text; (text = input.readLine()) != null; ) {
            Line line = gson.fromJson(text, Line.class);
            if (line.client != null) {
                try (FileInputStream ca = line.client.ca == null ? null : new FileInputStream(line.client.ca)) {
                    made = new DingTalk(line.client.url, line.client.appKey, line.client.appSecret, codes, ca);
                }
                continue;
            }
            DingTalk client = made;
            Stream<Callable<String>> calls = Stream.concat(
                line.convert.stream().map(chat -> () -> client.openConversationId(chat)),
                line.send.stream().map(to -> () -> send(client, to)));
            System.out.println(gson.toJson(calls.collect(Collectors.toList()).parallelStream().map(Program::outcome).collect(Collectors.toList())));
        }
        // The HTTP client's idle threads would keep the process alive for a while.
        System.exit(0);
    }

    private static String send(DingTalk client, String to) throws Exception {
        OrgGroupSendRequest message = new OrgGroupSendRequest().openConversationId(to).robotCode("robot").msgKey("sampleText").msgParam("{}");
        return client.call(false, api -> new RobotApi(api).orgGroupSend(message).getProcessQueryKey());
    }

    private static Map<String, Object> outcome(Callable<String> call) {
        Map<String, Object> report = new LinkedHashMap<>();
        try {
            report.put("id", call.call());
        } catch (DingTalk.Failure e) {
            report.put("status", e.status);
            report.put("code", e.code);
            report.put("message", e.getMessage());
            report.put("requestId", e.requestId);
            report.put("requiredScopes", e.requiredScopes);
            report.put("failure", e.getCause().toString());
        } catch (Exception e) {
            report.put("failure", e.toString());
        }
        return report;
    }
}
