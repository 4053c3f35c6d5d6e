using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;
using DingTalk;
using Example.App;
using Newtonsoft.Json;

/// <summary>The C# program of the interop table: it reads what to do, one JSON object a line, and prints what came of it.</summary>
public static class Program
{
    private sealed class Line
    {
        public Made Client;
        public string[][] Calls;
    }

    private sealed class Made
    {
        public string Url, AppKey, AppSecret, Ca;
        public double Timeout = 10;
    }

    private static readonly Dictionary<string, Func<string, Task<string>>> Named = new Dictionary<string, Func<string, Task<string>>> { { "convert", Convert }, { "send", Send }, { "getChat", GetChat } };
    private static DingTalkApp client;

    public static void Main(string[] args)
    {
        ServicePointManager.DefaultConnectionLimit = 100; // of .NET Framework and mono, where it is two for a host
        var codes = JsonConvert.DeserializeObject<Code[]>(File.ReadAllText(args[0]));
        for (string text; (text = Console.ReadLine()) != null;)
        {
            var line = JsonConvert.DeserializeObject<Line>(text);
            var calls = line.Client != null ? new[] { Make(line.Client, codes) } : line.Calls.Select(call => Named[call[0]](call[1]));
            Console.WriteLine(JsonConvert.SerializeObject(Task.WhenAll(calls.Select(Outcome)).GetAwaiter().GetResult()));
        }
    }

    private static async Task<string> Make(Made made, Code[] codes)
    {
        Func<HttpMessageHandler> inner = null;
        if (made.Ca != null) inner = () => new HttpClientHandler { AllowAutoRedirect = false, ServerCertificateCustomValidationCallback = (request, certificate, chain, errors) => IsOf(new X509Certificate2(made.Ca), certificate, errors) };
        client = new DingTalkApp(made.Url, made.AppKey, made.AppSecret, codes, inner, TimeSpan.FromSeconds(made.Timeout));
        return await Task.FromResult("");
    }

    private static async Task<string> Convert(string chat) => await client.OpenConversationId(chat);

    private static async Task<string> Send(string to)
    {
        var message = new OrgGroupSendRequest { OpenConversationId = to, RobotCode = "robot", MsgKey = "sampleText", MsgParam = "{}" };
        return (await client.Call("orgGroupSend", false, stop => client.Api.OrgGroupSendAsync(message, stop))).ProcessQueryKey;
    }

    private static async Task<string> GetChat(string chat) =>
        (await client.Call("getChat", true, stop => client.Api.GetChatAsync(chat, stop))).Chat_info?.Chatid;

    private static async Task<Dictionary<string, object>> Outcome(Task<string> call)
    {
        try
        {
            return new Dictionary<string, object> { { "id", await call } };
        }
        catch (DingTalkException e)
        {
            return new Dictionary<string, object>
            {
                { "status", e.Status }, { "code", e.Code }, { "message", e.Message }, { "requestId", e.RequestId },
                { "requiredScopes", e.RequiredScopes }, { "failure", e.Message },
            };
        }
        catch (Exception e)
        {
            return new Dictionary<string, object> { { "failure", e.ToString() } };
        }
    }

    /// <summary>Whether a certificate is one of this authority. From .NET 5 on, X509ChainPolicy.CustomTrustStore does it.</summary>
    private static bool IsOf(X509Certificate2 ca, X509Certificate2 certificate, SslPolicyErrors errors)
    {
        var chain = new X509Chain { ChainPolicy = { RevocationMode = X509RevocationMode.NoCheck, VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority } };
        chain.ChainPolicy.ExtraStore.Add(ca);
        return (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) == 0 && chain.Build(certificate)
            && chain.ChainElements[chain.ChainElements.Count - 1].Certificate.Thumbprint == ca.Thumbprint;
    }
}
