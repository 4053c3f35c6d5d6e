using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;
using DingTalk;
using Newtonsoft.Json;

/// <summary>The C# program of the interop table: it reads what to do, one JSON object a line, and prints what came of it.</summary>
public static class Program
{
    private sealed class Line
    {
        public Made Client;
        public string[] Convert = new string[0], Send = new string[0];
    }

    private sealed class Made
    {
        public string Url, AppKey, AppSecret, Ca;
    }

    public static void Main(string[] args)
    {
        var codes = JsonConvert.DeserializeObject<Code[]>(File.ReadAllText(args[0]));
        DingTalkClient client = null;
        for (string text; (text = Console.ReadLine()) != null;)
        {
            var line = JsonConvert.DeserializeObject<Line>(text);
            if (line.Client != null)
            {
                var ca = line.Client.Ca == null ? null : new X509Certificate2(line.Client.Ca);
                client = DingTalkHandler.Client(line.Client.Url, line.Client.AppKey, line.Client.AppSecret, codes, ca);
                continue;
            }
            var calls = line.Convert.Select(chat => Outcome(Convert(client, chat))).Concat(line.Send.Select(to => Outcome(Send(client, to))));
            Console.WriteLine(JsonConvert.SerializeObject(Task.WhenAll(calls).GetAwaiter().GetResult()));
        }
    }

    private static async Task<string> Convert(DingTalkClient client, string chat)
    {
        if (chat == "" || chat == "." || chat == "..") throw new ArgumentException("not a chat id");
        return (await client.ChatIdToOpenConversationIdAsync(chat)).OpenConversationId;
    }

    private static async Task<string> Send(DingTalkClient client, string to)
    {
        var message = new OrgGroupSendRequest { OpenConversationId = to, RobotCode = "robot", MsgKey = "sampleText", MsgParam = "{}" };
        return (await client.OrgGroupSendAsync(message)).ProcessQueryKey;
    }

    private static async Task<Dictionary<string, object>> Outcome(Task<string> call)
    {
        try
        {
            return new Dictionary<string, object> { { "id", await call } };
        }
        catch (DingTalkException<ApiError> e)
        {
            return new Dictionary<string, object>
            {
                { "status", e.StatusCode },
                { "code", e.Result.Code },
                { "message", e.Result.Message },
                { "requestId", e.Result.Requestid },
                { "requiredScopes", e.Result.Accessdenieddetail == null ? null : e.Result.Accessdenieddetail.RequiredScopes },
            };
        }
        catch (DingTalkException e)
        {
            // The answer was no ApiError; its text is in Response.
            return new Dictionary<string, object> { { "status", e.StatusCode }, { "failure", e.Message } };
        }
        catch (Exception e)
        {
            return new Dictionary<string, object> { { "failure", e.ToString() } };
        }
    }
}
