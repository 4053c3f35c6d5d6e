// This file is auto-generated, don't edit it. Thanks.
// The Java sample of DingTalk's page. Every line that differs from the page says so at its end: the scheme, the endpoint, the token and
// the chat id come from the command line, what came out is printed, and the process ends. The others are the page's.
package com.aliyun.sample;

import com.aliyun.tea.*;
import com.aliyun.teautil.*;
import com.aliyun.teautil.models.*;
import com.aliyun.dingtalkim_1_0.*;
import com.aliyun.dingtalkim_1_0.models.*;
import com.aliyun.teaopenapi.*;
import com.aliyun.teaopenapi.models.*;

public class Sample {

    /**
     * Initialize the account Client using Token
     * @return Client
     * @throws Exception
     */
    public static com.aliyun.dingtalkim_1_0.Client createClient(String protocol, String endpoint) throws Exception { // changed
        Config config = new Config();
        config.protocol = protocol; // changed
        config.regionId = "central";
        config.endpoint = endpoint; // added
        return new com.aliyun.dingtalkim_1_0.Client(config);
    }

    public static void main(String[] args_) throws Exception {
        java.util.List<String> args = java.util.Arrays.asList(args_);
        com.aliyun.dingtalkim_1_0.Client client = Sample.createClient(args.get(0), args.get(1)); // changed
        ChatIdToOpenConversationIdHeaders chatIdToOpenConversationIdHeaders = new ChatIdToOpenConversationIdHeaders();
        chatIdToOpenConversationIdHeaders.xAcsDingtalkAccessToken = args.get(2); // changed
        try {
            ChatIdToOpenConversationIdResponse answer = client.chatIdToOpenConversationIdWithOptions(args.get(3), chatIdToOpenConversationIdHeaders, new RuntimeOptions()); // changed
            report("id", answer.body.openConversationId); // added
        } catch (TeaException err) {
            if (!com.aliyun.teautil.Common.empty(err.code) && !com.aliyun.teautil.Common.empty(err.message)) {
                // err contains the code and message attributes that help you locate the issue
                report("code", err.code, "message", err.message); // added
            } else { // added
                report("failure", err.message); // added
            }

        } catch (Exception _err) {
            TeaException err = new TeaException(_err.getMessage(), _err);
            if (!com.aliyun.teautil.Common.empty(err.code) && !com.aliyun.teautil.Common.empty(err.message)) {
                // err contains the code and message attributes that help you locate the issue
                report("code", err.code, "message", err.message); // added
            } else { // added
                report("failure", err.message); // added
            }

        }
        System.exit(0); // added: the HTTP client's idle threads would keep the process alive for a while
    }

    /** Added: prints what the runner reads, names and values. */
    private static void report(String... fields) {
        java.util.Map<String, String> values = new java.util.LinkedHashMap<>();
        for (int i = 0; i < fields.length; i += 2) {
            values.put(fields[i], fields[i + 1]);
        }
        System.out.println(new com.google.gson.Gson().toJson(values));
    }
}
