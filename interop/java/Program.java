package com.example.app;

import com.example.dingtalk.ApiClient;
import com.example.dingtalk.api.LegacyApi;
import com.example.dingtalk.api.RobotApi;
import com.example.dingtalk.model.OrgGroupSendRequest;
import com.google.gson.Gson;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import okhttp3.OkHttpClient;

/** The Java program of the interop table: it reads what to do, one JSON object a line, and prints what came of it. */
public final class Program {
    private record Line(Made client, List<List<String>> calls) {}

    private record Made(String url, String appKey, String appSecret, String ca, double timeout) {}

    private static DingTalk client;

    public static void main(String[] args) throws Exception {
        Gson gson = new Gson();
        List<DingTalk.Code> codes = List.of(gson.fromJson(Files.readString(Path.of(args[0])), DingTalk.Code[].class));
        var threads = Executors.newCachedThreadPool();
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String text; (text = input.readLine()) != null; ) {
            Line line = gson.fromJson(text, Line.class);
            List<Callable<String>> calls = line.client != null ? List.of(() -> make(line.client, codes)) : line.calls.stream().map(call -> call(call.get(0), call.get(1))).toList();
            var made = calls.stream().map(call -> CompletableFuture.supplyAsync(() -> outcome(call), threads)).toList();
            System.out.println(gson.toJson(made.stream().map(CompletableFuture::join).toList()));
        }
        // The HTTP client's idle threads would keep the process alive for a while.
        System.exit(0);
    }

    private static Callable<String> call(String name, String of) {
        return switch (name) {
            case "send" -> () -> send(of);
            case "getChat" -> () -> getChat(of);
            default -> () -> client.openConversationId(of);
        };
    }

    private static String make(Made made, List<DingTalk.Code> codes) throws Exception {
        try (FileInputStream ca = made.ca == null ? null : new FileInputStream(made.ca)) {
            OkHttpClient http = new ApiClient().setSslCaCert(ca).getHttpClient().newBuilder().callTimeout(Duration.ofMillis((long) (made.timeout * 1000))).build();
            client = new DingTalk(made.url, made.appKey, made.appSecret, codes, http);
        }
        return "";
    }

    private static String send(String to) throws Exception {
        var message = new OrgGroupSendRequest().openConversationId(to).robotCode("robot").msgKey("sampleText").msgParam("{}");
        return client.call("orgGroupSend", false, () -> new RobotApi(new ApiClient(client.http())).orgGroupSend(message).getProcessQueryKey());
    }

    private static String getChat(String chat) throws Exception {
        var info = client.call("getChat", true, () -> new LegacyApi(new ApiClient(client.http())).getChat(chat)).getChatInfo();
        return info == null ? "" : info.getChatid();
    }

    private static Map<String, Object> outcome(Callable<String> call) {
        Map<String, Object> report = new LinkedHashMap<>();
        try {
            report.put("id", call.call());
        } catch (DingTalk.DingTalkException e) {
            report.put("status", e.status);
            report.put("code", e.code);
            report.put("message", e.message);
            report.put("requestId", e.requestId);
            report.put("requiredScopes", e.requiredScopes);
            report.put("failure", e.toString());
        } catch (Exception e) {
            report.put("failure", e.toString());
        }
        return report;
    }
}
