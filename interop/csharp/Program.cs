using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Threading.Tasks;
using DingTalk;
using Newtonsoft.Json;

/// <summary>The C# program of the interop table, on the client that NSwag makes.</summary>
public static class Program
{
    public static void Main(string[] args)
    {
        Console.WriteLine(JsonConvert.SerializeObject(Report(args).GetAwaiter().GetResult()));
    }

    private static async Task<Dictionary<string, object>> Report(string[] args)
    {
        // NSwag makes no setting of an API key: the header belongs to the HTTP client.
        var http = new HttpClient();
        var client = new DingTalkClient(http) { BaseUrl = args[1] };
        try
        {
            if (args[0] == "token")
            {
                var token = await client.GetAccessTokenAsync(new GetAccessTokenRequest { AppKey = args[2], AppSecret = args[3] });
                return new Dictionary<string, object> { { "accessToken", token.AccessToken }, { "expireIn", token.ExpireIn } };
            }
            http.DefaultRequestHeaders.Add("x-acs-dingtalk-access-token", args[2]);
            var answer = await client.ChatIdToOpenConversationIdAsync(args[3]);
            return new Dictionary<string, object> { { "id", answer.OpenConversationId } };
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
